#pragma once

#include "control/delivery/planning.h"
#include "control/delivery_desk.h"

namespace anytick::control {

/// A plan of what the hub knows now, its base with it.
struct CurrentPlan {
  delivery::PlanState state;
  plan::MadePlan made;
  bool is_as_base = false; ///< there is nothing to push
};
/// Asks POPs for the serials that they run, so that the plan's is greater. Throws Fault and CommandFailure.
CurrentPlan plan_now(DeliveryDesk& desk);

plan::PlanFile read_plan_file(const std::string& file);

} // namespace anytick::control
