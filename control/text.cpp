#include "control/text.h"

#include <ctime>

#include <fmt/format.h>

namespace anytick::control {

std::string hex_text(std::span<const uint8_t> bytes) {
  std::string text;
  for (const uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

std::string hex_text(std::string_view bytes) {
  return hex_text(std::span(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()));
}

std::string date_text(uint64_t seconds) {
  if (seconds == 0) return "unknown";
  const auto time = static_cast<std::time_t>(seconds);
  std::tm utc{};
  // Beyond the years that a tm can hold.
  if (::gmtime_r(&time, &utc) == nullptr) return std::to_string(seconds);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", int64_t{utc.tm_year} + 1900, utc.tm_mon + 1, utc.tm_mday,
                     utc.tm_hour, utc.tm_min, utc.tm_sec);
}

std::string duration_text(uint64_t seconds) {
  constexpr uint64_t minute = 60, hour = 60 * minute, day = 24 * hour;
  if (seconds >= day) return fmt::format("{}d {}h", seconds / day, seconds % day / hour);
  if (seconds >= hour) return fmt::format("{}h {}m", seconds / hour, seconds % hour / minute);
  if (seconds >= minute) return fmt::format("{}m {}s", seconds / minute, seconds % minute);
  return fmt::format("{}s", seconds);
}

} // namespace anytick::control
