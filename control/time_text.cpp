#include "control/time_text.h"

#include <array>
#include <chrono>

#include "geo/text.h"

namespace anytick::control {
namespace {

/// The numbers where `pattern` has zeros, or nothing where another of its characters differs.
template <size_t Count>
std::optional<std::array<int, Count>> numbers_by(std::string_view pattern, std::string_view text) {
  std::array<int, Count> numbers{};
  if (text.size() != pattern.size()) return std::nullopt;
  size_t at = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (pattern[i] == '0' ? !digit : text[i] != pattern[i]) return std::nullopt;
    if (pattern[i] != '0')
      ++at;
    else
      numbers[at] = 10 * numbers[at] + (text[i] - '0');
  }
  return numbers;
}

std::optional<int64_t> seconds_of(int year, int month, int day) {
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || year < 1970) return std::nullopt;
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::sys_days(date).time_since_epoch()).count();
}

} // namespace

std::optional<int64_t> time_of(std::string_view text) {
  if (const auto seconds = geo::number_of<int64_t>(text); seconds && *seconds >= 0) return seconds;
  if (const auto date = numbers_by<3>("0000-00-00", text)) return seconds_of((*date)[0], (*date)[1], (*date)[2]);
  const auto full = numbers_by<7>("0000-00-00T00:00:00Z", text);
  if (!full) return std::nullopt;
  const auto [year, month, day, hour, minute, second, end] = *full;
  const auto midnight = seconds_of(year, month, day);
  if (!midnight || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  return *midnight + 3600 * hour + 60 * minute + second;
}

} // namespace anytick::control
