#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "control/selection/select.h"
#include "dataplane/core/random.h"

/// Made-up pools for tests and benchmarks of selection: the same for the same seed.
namespace anytick::selection::test {

struct WorldShape {
  size_t servers = 500;
  size_t countries = 250; ///< in the tree, at most so many as there are
  size_t accounts = 200;
  size_t vendors = 30;
  bool ipv6 = true; ///< a third of the servers
};

struct World {
  registry::Snapshot snapshot;
  Scores scores;
  std::map<geo::Address, uint32_t> systems;
  int64_t now = 1'800'000'000;

  AsnOf asn_of() const;
};

World make_world(const WorldShape& shape, uint64_t seed);

/// As an hour may change it: scores that fall and come back, servers that come, leave, or have another netspeed.
void pass_hour(World& world, core::Random& random);

/// A server that is in, with a score of 20. Zones by name, e.g. {"de"}.
void add_server(World& world, const std::string& address, uint32_t netspeed, std::vector<std::string> zones,
                registry::Id account = 1);

/// "@", all continents and these countries.
std::vector<registry::TreeZone> tree_of(const std::vector<std::string>& countries);

/// The first zone in which two selections differ, as each has it; "" where they do not.
std::string difference(const Selection& one, const Selection& other);

} // namespace anytick::selection::test
