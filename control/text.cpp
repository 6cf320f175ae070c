#include "control/text.h"

#include <ctime>

#include <fmt/format.h>

#include "geo/text.h"

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

std::optional<std::chrono::seconds> parse_duration(std::string_view text) {
  constexpr std::string_view units = "dhms";
  constexpr uint64_t seconds_of[] = {86'400, 3'600, 60, 1};
  constexpr uint64_t most = 3650 * seconds_of[0];
  uint64_t total = 0;
  size_t largest = 0; // unit that may follow
  do {
    const size_t end = text.find_first_not_of("0123456789");
    const auto number = geo::number_of<uint32_t>(text.substr(0, end));
    const size_t unit = end == text.npos ? text.npos : units.find(text[end], largest);
    if (!number || unit == units.npos) return std::nullopt;
    total += *number * seconds_of[unit];
    largest = unit + 1;
    text.remove_prefix(end + 1);
    if (text.starts_with(' ')) text.remove_prefix(1);
  } while (!text.empty());
  if (total > most) return std::nullopt;
  return std::chrono::seconds(total);
}

} // namespace anytick::control
