#include "control/time_option.h"

#include <ctime>

#include <fmt/format.h>

#include "control/command.h"
#include "control/text.h"
#include "geo/text.h"

namespace anytick::control {

std::optional<int64_t> time_of(const std::string& text) {
  if (const auto seconds = geo::number_of<int64_t>(text); seconds && *seconds >= 0) return seconds;
  for (const char* form : {"%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"}) {
    std::tm parts{};
    const char* end = ::strptime(text.c_str(), form, &parts);
    if (end == nullptr || *end != '\0') continue;
    const int day = parts.tm_mday;
    const std::time_t seconds = ::timegm(&parts);
    // The 31st of June would be another day.
    if (seconds >= 0 && parts.tm_mday == day) return seconds;
  }
  return std::nullopt;
}

int64_t time_option(const std::string& option, const std::string& text, int64_t now, int sign) {
  if (const auto time = time_of(text)) return *time;
  if (const auto duration = parse_duration(text)) return now + sign * duration->count();
  throw CommandFailure(exit_usage, fmt::format("{}: '{}' is no time (2026-06-17, 2026-06-17T09:30:00Z, seconds since "
                                               "1970) and no duration (90m, 14d)",
                                               option, text));
}

} // namespace anytick::control
