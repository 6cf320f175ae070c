#include "control/scores/scoreboard.h"

#include <algorithm>
#include <utility>

namespace anytick::scores {
namespace {

bool is_before(const Standing& standing, uint32_t monitor) {
  return standing.monitor < monitor;
}

} // namespace

Standing& Scoreboard::standing(const geo::Address& server, uint32_t monitor) {
  if (last_ == nullptr || last_->first != server) last_ = &*servers_.try_emplace(server).first;
  Standings& standings = last_->second;
  const auto place = std::lower_bound(standings.begin(), standings.end(), monitor, is_before);
  if (place != standings.end() && place->monitor == monitor) return *place;
  return *standings.insert(place, Standing{.monitor = monitor});
}

Scoreboard::Change Scoreboard::take(const Row& row) {
  Standing& changed = standing(row.server, row.monitor);
  const Taken taken = changed.take(check_of(row));
  return {taken, changed};
}

void Scoreboard::take(const geo::Address& server, const Monitor& monitor) {
  if (!monitor.name.empty()) {
    std::string& name = names_[monitor.id];
    if (name != monitor.name) name = monitor.name;
  }
  if (monitor.status) standing(server, monitor.id).status = *monitor.status;
}

void Scoreboard::restore(const geo::Address& server, Standing stored) {
  Standing& place = standing(server, stored.monitor);
  place = std::move(stored);
}

const Standing* Scoreboard::find(const geo::Address& server, uint32_t monitor) const {
  const auto found = servers_.find(server);
  if (found == servers_.end()) return nullptr;
  const auto place = std::lower_bound(found->second.begin(), found->second.end(), monitor, is_before);
  return place == found->second.end() || place->monitor != monitor ? nullptr : &*place;
}

void Scoreboard::limit(uint32_t monitor, MonitorStatus at_most) {
  if (at_most == MonitorStatus::active)
    limits_.erase(monitor);
  else
    limits_[monitor] = at_most;
}

MonitorStatus Scoreboard::status(const Standing& standing) const {
  const auto found = limits_.find(standing.monitor);
  return found == limits_.end() ? standing.status : std::max(standing.status, found->second);
}

std::optional<double> Scoreboard::overall(const geo::Address& server, int64_t now) const {
  const auto found = servers_.find(server);
  return found == servers_.end() ? std::nullopt : overall(found->second, now);
}

std::optional<double> Scoreboard::overall(const Standings& standings, int64_t now) const {
  std::vector<Latest> latest;
  latest.reserve(standings.size());
  for (const Standing& each : standings)
    if (each.checks > 0) latest.push_back({each.when(), each.score, status(each)});
  return recent_median(latest, now);
}

} // namespace anytick::scores
