#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// Values for people to read.
namespace anytick::control {

std::string hex_text(std::span<const uint8_t> bytes);
std::string hex_text(std::string_view bytes);

/// "2026-06-17T09:30:00Z" for seconds since 1970; "unknown" for 0.
std::string date_text(uint64_t seconds);

/// "3d 4h", "2m 5s": the two largest units.
std::string duration_text(uint64_t seconds);

/// "90s", "5m", "1h 30m", "2d": units from the largest to the smallest, at most ten years in all. Nothing for anything
/// else.
std::optional<std::chrono::seconds> parse_duration(std::string_view text);

} // namespace anytick::control
