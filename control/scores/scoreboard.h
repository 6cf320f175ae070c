#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/scores/row.h"
#include "control/scores/standing.h"
#include "geo/prefix.h"

namespace anytick::scores {

/// What the monitors think of all servers. Bounded by servers x monitors; history is for whoever keeps it.
class Scoreboard {
 public:
  using Standings = std::vector<Standing>; ///< by monitor

  Scoreboard() = default;
  Scoreboard(const Scoreboard&) = delete;
  Scoreboard& operator=(const Scoreboard&) = delete;

  struct Change {
    Taken taken;
    const Standing& standing; ///< after it; valid until the next row
  };
  /// The same row again changes nothing, nor does the order of the rows of 2 hours.
  Change take(const Row& row);
  void take(const geo::Address& server, const Monitor& monitor);

  /// No standing of this monitor counts as more trusted than that; `active` lets each be what it is.
  void limit(uint32_t monitor, MonitorStatus at_most);

  /// Puts back what was stored; replaces what is there.
  void restore(const geo::Address& server, Standing standing);

  /// nullptr: that monitor said nothing of that server. Valid until the next row.
  const Standing* find(const geo::Address& server, uint32_t monitor) const;
  std::optional<double> overall(const geo::Address& server, int64_t now) const;
  std::optional<double> overall(const Standings& standings, int64_t now) const;
  /// With its monitor's limit.
  MonitorStatus status(const Standing& standing) const;
  const std::map<geo::Address, Standings>& servers() const { return servers_; }
  const std::map<uint32_t, std::string>& monitor_names() const { return names_; }
  const std::map<uint32_t, MonitorStatus>& limits() const { return limits_; } ///< none is `active`

 private:
  Standing& standing(const geo::Address& server, uint32_t monitor);

  std::map<geo::Address, Standings> servers_;
  std::map<uint32_t, std::string> names_;
  std::map<uint32_t, MonitorStatus> limits_;
  std::pair<const geo::Address, Standings>* last_ = nullptr; ///< a log is mostly of one server
};

} // namespace anytick::scores
