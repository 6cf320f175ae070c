#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "control/plan/make_plan.h"
#include "control/plan/shares.h"
#include "control/scores/row.h"
#include "control/scores/standing.h"

/// Why a server is given to clients, or is not, and to whom.
namespace anytick::plan {

/// What monitors said of a server, as its caller has it. Texts of rows are the caller's and must stay.
struct ServerHistory {
  std::vector<scores::Standing> standings; ///< by monitor
  std::map<uint32_t, std::string> monitor_names;
  std::vector<scores::Row> rows; ///< of the time that is to be shown, by time
};

/// A server in a zone: weight = netspeed * ramp * factor, rounded.
struct ZoneExplained {
  std::string zone;
  std::vector<std::string> names; ///< that clients get it by, of all roots
  bool borrowed = false;          ///< lent to it, not of it
  uint32_t netspeed = 0;          ///< kbit/s; the server's, or its own for this zone
  bool of_zone = false;           ///< the latter
  double ramp = 0;                ///< by its score
  double factor = 0; ///< by the caps on accounts, prefixes and AS; of a borrowed one, the part that is lent
  uint32_t weight = 0;
  double share = 0; ///< of the weight of the family in the zone
};

struct ServerExplained {
  registry::Server server;
  std::string account;
  selection::Judged judged;
  std::string rule; ///< which keeps it in or out, with its key and numbers
  std::vector<ZoneExplained> zones;
  double share = 0;               ///< of all addresses that clients are given in its family
  std::vector<PlaceShare> places; ///< who gets it, the largest part first
  ServerHistory history;
};

/// Told of that selection, which was made of the snapshot or is the last one pushed; `sources.base` is not looked at.
/// None where the registry has no such server.
std::optional<ServerExplained> explain_server(const geo::Address& address, const Sources& sources,
                                              const selection::Selection& selection, ServerHistory history,
                                              int64_t now);

/// For people, with at most so many places and rows of history.
std::string server_text(const ServerExplained& explained, int64_t now, size_t places = 10, size_t rows = 20);
/// All there is.
std::string server_json(const ServerExplained& explained);

} // namespace anytick::plan
