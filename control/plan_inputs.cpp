#include "control/plan_inputs.h"

#include "control/command.h"
#include "control/delivery/fleet.h"
#include "control/scores/stored_board.h"

namespace anytick::control {

CurrentPlan plan_now(DeliveryDesk& desk) {
  const delivery::PlanFiles files(desk.config());
  delivery::Planner planner(desk.config(), files);
  const int64_t running = delivery::greatest_running(delivery::ask_fleet(desk.desk(), std::nullopt));
  const int64_t now = desk.desk().clock();
  scores::StoredBoard board(desk.database());
  board.refresh();
  CurrentPlan current;
  current.state = delivery::read_plan_state(desk.database());
  int64_t serial = 0;
  desk.database().read([&](soci::session& sql) { serial = delivery::next_serial(sql, running, now); });
  current.made = planner.make(current.state, board.overall(now), serial, now);
  current.is_as_base = planner.is_as_base(current.state, current.made.plan);
  return current;
}

plan::PlanFile read_plan_file(const std::string& file) {
  return taken(plan::read_plan(as_text(read_file(file)), file), file);
}

} // namespace anytick::control
