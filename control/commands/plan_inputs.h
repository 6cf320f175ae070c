#pragma once

#include "control/commands/delivery_desk.h"
#include "control/delivery/planning.h"

namespace anytick::control {

/// A plan of what the hub knows now. Asks POPs for the serials that they run, so that the plan's is greater. Throws
/// Fault and CommandFailure.
delivery::CurrentPlan plan_now(DeliveryDesk& desk);

plan::PlanFile read_plan_file(const std::string& file);

} // namespace anytick::control
