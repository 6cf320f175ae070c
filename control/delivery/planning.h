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
  explicit PlanFiles(const hub::Config& config);

  const std::string& policy() const { return policy_; }
  const geo::Map* map() const { return map_ ? &*map_ : nullptr; }

 private:
  std::string policy_;
  std::vector<std::byte> map_bytes_;
  std::optional<geo::Map> map_;
};

/// What the database says beside the scores, as of one moment.
struct PlanState {
  registry::Snapshot snapshot;
  std::optional<plan::Plan> base; ///< what is current
};
/// Throws Fault where what is current was pruned or is no plan any more.
PlanState read_plan_state(store::Database& database);

/// Makes plans of it, again and again with what it found out before. One thread's; what it is made of outlives it.
class Planner {
 public:
  Planner(const hub::Config& config, const PlanFiles& files) : config_(config), files_(files) {}

  /// Throws Fault.
  plan::MadePlan make(const PlanState& state, const selection::Scores& scores, int64_t serial, int64_t now);
  /// What a reviewed plan comes to now. Throws Fault where it no longer matches.
  plan::MadePlan verify(const PlanState& state, const plan::Plan& reviewed);
  /// Whether POPs would answer as they do with what is current.
  bool is_as_base(const PlanState& state, const plan::Plan& plan);

 private:
  plan::Sources sources(const PlanState& state);

  const hub::Config& config_;
  const PlanFiles& files_;
  plan::InclusionCache inclusion_;
};

/// A push of that plan, which was made or verified of `state`. `reviewed`: the plan as somebody saw it.
PushRequest push_request(plan::MadePlan made, const plan::Plan& reviewed, const PlanState& state,
                         const registry::Actor& actor);

} // namespace anytick::delivery
