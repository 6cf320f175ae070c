#pragma once

#include <string>
#include <vector>

#include "control/hub/config.h"
#include "geo/map.h"

namespace anytick::plan {

/// Clients that are the same to the targeting "@ country continent".
struct ClientGroup {
  std::string country;   ///< as in the geo map: ISO 3166-1, lower case; "" unknown
  std::string continent; ///< as pool zones name it; "" unknown
  double share = 0;      ///< of all queries

  bool operator==(const ClientGroup&) const = default;
};

/// Who asks what, of both families alike.
struct Demand {
  std::vector<ClientGroup> groups; ///< by country and continent, distinct; their shares' sum is 1
  double unnumbered = 0.2;         ///< share of queries for a zone itself; 0 to 3 share the rest alike

  bool operator==(const Demand&) const = default;
};

/// Queries by country as the configuration states them ("uk" is "gb"; a continent or "@" are clients of whom no more is
/// known), else by the IPv4 addresses that the map has for each. Addresses that it places nowhere count for nothing:
/// these are mostly nobody's. A country is on the continents that the map has it on, else on the one of
/// geo::continent_of(). Without both a map and stated countries, all clients are unknown. `map` may be null.
Demand demand_of(const hub::DemandConfig& config, const geo::Map* map);

/// The same text for the same demand alone.
std::string canonical_text(const Demand& demand);

} // namespace anytick::plan
