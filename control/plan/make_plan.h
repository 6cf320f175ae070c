#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "control/hub/config.h"
#include "control/plan/inclusion_cache.h"
#include "control/plan/plan.h"
#include "control/registry/model.h"
#include "geo/map.h"
#include "geo/refusal.h"

namespace anytick::plan {

/// What a plan is made of, beside scores and time. Nothing is copied: all of it must stay while a plan is made.
struct Sources {
  const registry::Snapshot& snapshot;
  const hub::Config& config; ///< [selection], [demand] and [guard] of it
  const std::string& policy; ///< the operator's query policy, the text; "" none
  const geo::Map* map;       ///< null: no AS numbers, and demand only as configured
  const Plan* base;          ///< what was last pushed; null: nothing was
  InclusionCache* inclusion; ///< kept from plan to plan by who makes many; may be null
};

/// A plan and the zone image that it is about.
struct MadePlan {
  Plan plan;
  std::vector<std::byte> image;
};

/// The same for the same arguments, to the byte. `serial` (>= 1) is the image's, and its low 32 bits are the zones'
/// SOA's. Scores that are no numbers, and those of addresses that the registry has not, are left out of the plan.
/// Refused, with all that is wrong: roots that are no zones, or none at all; what no POP would take.
Result<MadePlan> make_plan(const Sources& sources, const selection::Scores& scores, int64_t serial, int64_t now);

/// What a reviewed plan comes to now: made once more of the scores, time and serial that it has. Refused unless its
/// base is what was last pushed and the image and query policy come out the same; it then says what has changed since.
/// The objections are those of today's guard.
Result<MadePlan> verify_plan(const Plan& reviewed, const Sources& sources);

} // namespace anytick::plan
