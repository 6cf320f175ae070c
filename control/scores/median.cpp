#include "control/scores/median.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <tuple>
#include <vector>

namespace anytick::scores {
namespace {

constexpr std::array<std::string_view, 4> names{"active", "testing", "candidate", "inactive"};

/// Where scores are looked for: the least trusted monitor that is asked, and how old its score may be.
struct Reach {
  MonitorStatus least;
  int64_t seconds;
};
constexpr std::array reaches{
    Reach{MonitorStatus::active, 20 * 60},
    Reach{MonitorStatus::testing, 45 * 60},
    Reach{MonitorStatus::candidate, 2 * 60 * 60},
};
constexpr size_t median_of_least = 3;

std::vector<Latest> within(std::span<const Latest> scores, const Reach& reach, int64_t now) {
  std::vector<Latest> found;
  for (const Latest& each : scores)
    if (each.status <= reach.least && each.when <= now && each.when >= now - reach.seconds) found.push_back(each);
  return found;
}

double oldest_of(const std::vector<Latest>& found) {
  return std::min_element(
             found.begin(), found.end(),
             [](const Latest& a, const Latest& b) { return std::tie(a.when, a.score) < std::tie(b.when, b.score); })
      ->score;
}

double lower_median_of(std::vector<Latest>& found) {
  const auto middle = found.begin() + static_cast<std::ptrdiff_t>((found.size() - 1) / 2);
  std::nth_element(found.begin(), middle, found.end(),
                   [](const Latest& a, const Latest& b) { return a.score < b.score; });
  return middle->score;
}

} // namespace

std::string_view status_name(MonitorStatus status) {
  return names[static_cast<size_t>(status)];
}

std::optional<MonitorStatus> status_named(std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return {};
  return static_cast<MonitorStatus>(found - names.begin());
}

std::optional<double> recent_median(std::span<const Latest> scores, int64_t now) {
  for (const Reach& reach : reaches) {
    std::vector<Latest> found = within(scores, reach, now);
    if (found.empty()) continue;
    return found.size() < median_of_least ? oldest_of(found) : lower_median_of(found);
  }
  return {};
}

} // namespace anytick::scores
