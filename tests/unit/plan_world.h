#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "control/hub/config.h"
#include "control/plan/make_plan.h"
#include "control/registry/model.h"
#include "control/selection/select.h"
#include "geo/map.h"

/// What tests of the plan share: registries, selections in a few words, and a small geo map.
namespace anytick::plan::test {

geo::Address address(std::string_view text);

/// A map of its lines, as `anytick geo compile --override` takes them.
class SmallMap {
 public:
  explicit SmallMap(std::string_view overrides);
  const geo::Map& map() const { return map_; }

 private:
  std::vector<std::byte> bytes_;
  geo::Map map_;
};

/// Clients in some of the countries of snapshot_of(), in one that has no zone, in gb, and where only the continent or
/// nothing is known. Which of them have so many addresses is all in it.
extern const std::string_view map_lines;

/// Continents and countries, a root "pool.example", two vendors, accounts 1 to 9, and servers of both families in most
/// zones: thin and crowded ones, some with a netspeed of their own in a zone. The same for the same seed.
registry::Snapshot snapshot_of(uint64_t seed, size_t servers);
/// Good scores for most, low or none for some.
selection::Scores scores_of(const registry::Snapshot& snapshot, uint64_t seed);

/// "ADDRESS VERDICT [SCORE]" a line, by address.
std::vector<selection::Judged> judged(std::string_view lines);
/// "ADDRESS WEIGHT [PART] [borrowed]" a line, by address; split where there are parts. Accounts are 1.
selection::ZoneServers zone(const std::string& name, std::string_view members);

/// Good for a plan: a snapshot, its scores and a configuration. The policy is none.
struct PlanWorld {
  explicit PlanWorld(uint64_t seed = 1, size_t servers = 300);

  Sources sources(const Plan* base = nullptr) const { return {snapshot, config, policy, &map.map(), base, nullptr}; }
  /// A plan that must come out; the test fails otherwise.
  MadePlan make(const Plan* base = nullptr, int64_t serial = 1) const;

  registry::Snapshot snapshot;
  selection::Scores scores;
  hub::Config config;
  std::string policy;
  SmallMap map;
  int64_t now = 1'795'348'800;
};

} // namespace anytick::plan::test
