#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace anytick::control {

/// Seconds since 1970 of "2026-06-17", "2026-06-17T09:30:00Z" (both UTC) or a number of them.
std::optional<int64_t> time_of(const std::string& text);

/// A time, or a duration such as "14d" or "90m" after `now`, or before it: `sign` is 1 or -1. Throws CommandFailure
/// (usage), which names the option.
int64_t time_option(const std::string& option, const std::string& text, int64_t now, int sign);

} // namespace anytick::control
