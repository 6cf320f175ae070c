#pragma once

#include <cstdint>
#include <string>

namespace anytick::control {

/// A time, or a duration such as "14d" or "90m" after `now`, or before it: `sign` is 1 or -1. Throws CommandFailure
/// (usage), which names the option.
int64_t time_option(const std::string& option, const std::string& text, int64_t now, int sign);

} // namespace anytick::control
