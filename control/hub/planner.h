#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/delivery/operations.h"
#include "control/hub/config.h"
#include "control/plan/inclusion_cache.h"
#include "control/plan/make_plan.h"
#include "control/registry/actor.h"
#include "control/store/database.h"
#include "geo/map.h"

namespace anytick::hub {

/// Makes plans of what the database, hub.toml and the files that it names have at the time. One thread's. What it is
/// given outlives it. All throw CommandFailure for files and faults, delivery::Fault and soci::soci_error.
class Planner {
 public:
  Planner(store::Database& database, const Config& config);
  Planner(const Planner&) = delete;
  Planner& operator=(const Planner&) = delete;
  ~Planner();

  /// Against what is current, with a serial greater than `running`, which POPs may run (0: none is known).
  plan::MadePlan make(const selection::Scores& scores, int64_t running, int64_t now);
  /// What a reviewed plan comes to now; CommandFailure where that is something else.
  plan::MadePlan verify(const plan::Plan& reviewed);
  /// The current revision's; null: nothing was pushed, or its plan was pruned. Until the next call of anything.
  const plan::Plan* base();

  const registry::Snapshot& snapshot() const { return snapshot_; } ///< of the last plan
  const geo::Map* map();                                           ///< null: hub.toml names none
  plan::Sources sources();                                         ///< with base() and snapshot() as they are now

 private:
  struct Files;

  void read_state();
  void read_base(soci::session& sql);

  store::Database& database_;
  const Config& config_;
  std::unique_ptr<Files> files_;
  registry::Snapshot snapshot_;
  std::optional<int64_t> base_serial_;
  std::optional<plan::Plan> base_;
  plan::InclusionCache inclusion_;
};

/// The push of a plan. `forced` needs a reason of the actor's.
delivery::PushRequest push_request(const plan::MadePlan& made, const registry::Actor& actor, bool forced,
                                   const delivery::Manner& manner);

} // namespace anytick::hub
