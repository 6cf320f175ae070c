#include "control/commands/plan_inputs.h"

#include "control/command.h"
#include "control/delivery/fleet.h"
#include "control/scores/stored_board.h"

namespace anytick::control {

delivery::CurrentPlan plan_now(DeliveryDesk& desk) {
  const delivery::PlanFiles files(desk.config());
  delivery::Planner planner(desk.config(), files);
  const int64_t running = delivery::greatest_running(delivery::ask_fleet(desk.desk(), std::nullopt));
  scores::StoredBoard board(desk.database());
  board.refresh();
  const int64_t now = desk.desk().clock();
  return planner.make(desk.database(), board.overall(now), running, now);
}

plan::PlanFile read_plan_file(const std::string& file) {
  return taken(plan::read_plan(as_text(read_file(file)), file), file);
}

} // namespace anytick::control
