#include "control/scores/standing_text.h"

#include "control/scores/decimal.h"

namespace anytick::scores {

void write_recent(const std::vector<Check>& recent, std::string& text) {
  text.clear();
  int64_t before = 0;
  for (const Check& each : recent) {
    if (!text.empty()) text += ' ';
    append_decimal(text, each.when - before);
    text += ':';
    append_decimal(text, each.value);
    if (each.stated) text += 's';
    if (each.cap != no_cap) {
      text += 'c';
      append_decimal(text, each.cap);
    }
    before = each.when;
  }
}

std::optional<std::vector<Check>> read_recent(std::string_view text) {
  std::vector<Check> recent;
  int64_t before = 0;
  while (!text.empty()) {
    if (!recent.empty() && !take_character(text, ' ')) return {};
    Check check;
    if (!take_decimal(text, check.when) || !take_character(text, ':') || !take_decimal(text, check.value)) return {};
    check.stated = take_character(text, 's');
    if (take_character(text, 'c') && !take_decimal(text, check.cap)) return {};
    check.when += before;
    before = check.when;
    recent.push_back(check);
  }
  return recent;
}

} // namespace anytick::scores
