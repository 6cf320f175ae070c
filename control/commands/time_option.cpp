#include "control/commands/time_option.h"

#include <fmt/format.h>

#include "control/command.h"
#include "control/text.h"
#include "control/time_text.h"

namespace anytick::control {

int64_t time_option(const std::string& option, const std::string& text, int64_t now, int sign) {
  if (const auto time = time_of(text)) return *time;
  if (const auto duration = parse_duration(text)) return now + sign * duration->count();
  throw CommandFailure(exit_usage, fmt::format("{}: '{}' is no time (2026-06-17, 2026-06-17T09:30:00Z, seconds since "
                                               "1970) and no duration (90m, 14d)",
                                               option, text));
}

} // namespace anytick::control
