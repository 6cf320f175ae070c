#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/delivery/operations.h"
#include "control/hub/config.h"
#include "control/plan/make_plan.h"
#include "control/plan/plan_json.h"
#include "control/registry/model.h"
#include "geo/map.h"

namespace anytick::delivery {

/// The files that plans are made of. Throws CommandFailure for what is wrong with them.
class PlanFiles {
 public:
  /// Reads them; the configuration outlives this.
  explicit PlanFiles(const hub::Config& config);
  /// Reads anew what was changed. Where that fails, what was read before stays.
  void refresh();

  const std::string& policy() const { return policy_; }
  const geo::Map* map() const { return map_ ? &*map_ : nullptr; }

 private:
  /// Tells one state of a file from the next.
  struct Stamp {
    uint64_t inode = 0, size = 0;
    int64_t seconds = 0, nanoseconds = 0;
    bool operator==(const Stamp&) const = default;
  };
  static Stamp stamp_of(const std::string& path);

  const hub::Config& config_;
  std::string policy_;
  std::vector<std::byte> map_bytes_;
  std::optional<geo::Map> map_;
  Stamp map_stamp_;
};

/// What the database says beside the scores, as of one moment.
struct PlanState {
  registry::Snapshot snapshot;
  std::optional<plan::Plan> base; ///< what is current
};
/// Throws Fault where what is current was pruned or is no plan any more.
PlanState read_plan_state(store::Database& database);

/// A plan of what is known at the time, and what it was made of.
struct CurrentPlan {
  PlanState state;
  plan::MadePlan made;
  bool is_as_base = false; ///< there is nothing to push
};

/// Makes plans of it, again and again with what it found out before. One thread's; what it is made of outlives it.
class Planner {
 public:
  Planner(const hub::Config& config, const PlanFiles& files) : config_(config), files_(files) {}

  /// `running`: the greatest serial that a POP runs, than which the plan's is greater. Throws Fault.
  CurrentPlan make(store::Database& database, const selection::Scores& scores, int64_t running, int64_t now);
  /// What a reviewed plan comes to now. Throws Fault where it no longer matches.
  plan::MadePlan verify(const PlanState& state, const plan::Plan& reviewed);
  /// Of that state, and of what this was given; all of it must stay.
  plan::Sources sources(const PlanState& state);

 private:
  bool is_as_base(const PlanState& state, const plan::Plan& plan);

  const hub::Config& config_;
  const PlanFiles& files_;
  plan::InclusionCache inclusion_;
};

/// A push of that plan, which was made or verified of `state`. `reviewed`: the plan as somebody saw it.
PushRequest push_request(plan::MadePlan made, const plan::Plan& reviewed, const PlanState& state,
                         const registry::Actor& actor);

} // namespace anytick::delivery
