#include "control/scores/standing.h"

#include <algorithm>
#include <cstddef>

namespace anytick::scores {
namespace {

/// Moves into the base what the window does not hold any more.
void shift_window(Standing& standing) {
  std::vector<Check>& recent = standing.recent;
  const int64_t begin = recent.back().when - window_seconds;
  size_t gone = recent.size() - std::min(recent.size(), window_checks);
  while (recent[gone].when < begin) ++gone;
  for (size_t i = 0; i < gone; ++i) {
    standing.base = score_after(standing.base, recent[i]);
    standing.base_when = recent[i].when;
  }
  recent.erase(recent.begin(), recent.begin() + static_cast<std::ptrdiff_t>(gone));
}

} // namespace

double score_after(double score, const Check& check) {
  return check.stated ? check.value : next_score(score, {check.value, check.cap});
}

Taken Standing::take(const Check& check) {
  const bool fits = recent.empty() || (check.when > base_when && check.when >= when() - window_seconds);
  if (!fits) return check.stated ? Taken::history : Taken::too_late;
  const auto place = std::lower_bound(recent.begin(), recent.end(), check.when,
                                      [](const Check& each, int64_t second) { return each.when < second; });
  if (place != recent.end() && place->when == check.when) return *place == check ? Taken::again : Taken::conflicting;
  const bool newest = place == recent.end();
  recent.insert(place, check);
  ++checks;
  shift_window(*this);
  if (newest) {
    score = score_after(score, check);
  } else {
    score = base;
    for (const Check& each : recent) score = score_after(score, each);
  }
  return Taken::counted;
}

} // namespace anytick::scores
