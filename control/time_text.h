#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace anytick::control {

/// Seconds since 1970 of "2026-06-17", "2026-06-17T09:30:00Z" (both UTC) or a number of them.
std::optional<int64_t> time_of(std::string_view text);

} // namespace anytick::control
