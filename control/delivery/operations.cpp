#include "control/delivery/operations.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "control/delivery/begin.h"
#include "control/delivery/fleet.h"
#include "control/registry/audit.h"
#include "control/registry/pops.h"
#include "control/text.h"

namespace anytick::delivery {
namespace {

std::optional<Push> read_open(const Desk& desk) {
  std::optional<Push> open;
  desk.database.read([&](soci::session& sql) { open = open_push(sql); });
  return open;
}

/// Whoever confirmed it did not come to the end.
bool is_confirmed_in_part(const std::optional<Push>& open) {
  return open && open->state == PushState::unconfirmed && open->stage == PushStage::confirming;
}

std::string time_over(const Push& push) {
  return fmt::format("its time was over at {}", control::date_text(static_cast<uint64_t>(*push.confirm_by)));
}

/// One that waits for its confirmation and has time left stays as it is.
std::optional<Outcome> settle(const Desk& desk, const Lease& lease, bool goes_on) {
  const auto open = read_open(desk);
  if (!open) return std::nullopt;
  Rollout rollout(desk, lease, open->id);
  if (open->state == PushState::pushing) {
    rollout.look();
    goes_on ? rollout.resume() : rollout.abandon();
  } else if (open->stage == PushStage::confirming) {
    rollout.confirm_rest();
  } else if (rollout.is_past_confirmation()) {
    rollout.expire(time_over(*open));
  } else {
    return std::nullopt;
  }
  return rollout.outcome();
}

Outcome roll_out(const Desk& desk, const Lease& lease, registry::Id push) {
  Rollout rollout(desk, lease, push);
  rollout.run();
  return rollout.outcome();
}

/// Waits for who has it, if the desk has the patience.
std::unique_ptr<Lease> take_lease(const Desk& desk) {
  constexpr std::chrono::milliseconds pause{500};
  const int64_t until = desk.clock() + desk.lease_patience.count();
  bool is_told = false;
  while (true) {
    try {
      return Lease::take(desk.database, desk.owner, desk.clock);
    } catch (const LeaseTaken& taken) {
      if (desk.clock() >= until) throw;
      if (desk.waits && !std::exchange(is_told, true)) desk.waits(taken.what());
    }
    desk.sleep(pause);
  }
}

/// With the lease, and nothing left of others.
std::unique_ptr<Lease> take_over(const Desk& desk) {
  auto lease = take_lease(desk);
  settle(desk, *lease, false);
  return lease;
}

/// The open push, which waits for its confirmation.
Push unconfirmed_push(const Desk& desk, const Lease& lease) {
  const auto settled = settle(desk, lease, false);
  if (settled && settled->push.state == PushState::expired)
    throw Fault(fmt::format("serial {} is too late to be confirmed: {}; POPs run what they ran before",
                            settled->push.serial, settled->push.detail));
  const auto open = read_open(desk);
  if (!open) throw Fault("no push waits for its confirmation");
  return *open;
}

/// What files can be wrong about is known before a push begins.
void check_files(const Desk& desk, const std::function<Cargo(soci::session&)>& cargo) {
  desk.database.read([&](soci::session& sql) {
    cargo(sql);
    for (const registry::Pop& pop : registry::list_pops(sql))
      if (const PopLink link(pop, desk.config.tls, desk.patience); pop.enabled && !link.fault().empty())
        throw Fault(link.fault());
  });
}

Push current_of(const Desk& desk) {
  std::optional<Push> current;
  desk.database.read([&](soci::session& sql) { current = current_push(sql); });
  if (!current) throw Fault("nothing was pushed yet");
  return *current;
}

} // namespace

Outcome push(const Desk& desk, const PushRequest& request) {
  registry::check_actor(request.actor);
  check_files(desk, [&](soci::session&) {
    return make_cargo(request.revision.serial, request.image, request.revision.query_policy, desk.config);
  });
  const auto lease = take_over(desk);
  return roll_out(desk, *lease, begin_push(desk, *lease, request));
}

Outcome rollback(const Desk& desk, int64_t serial, const registry::Actor& actor, const Manner& manner) {
  registry::check_actor(actor);
  check_files(desk, [&](soci::session& sql) { return read_cargo(sql, serial, desk.config); });
  const auto lease = take_over(desk);
  return roll_out(desk, *lease, begin_rollback(desk, *lease, serial, actor, manner));
}

Outcome resume(const Desk& desk, const std::vector<std::string>& pops) {
  const auto lease = take_lease(desk);
  if (!pops.empty()) check_none_open(desk);
  if (auto settled = settle(desk, *lease, true)) return std::move(*settled);
  check_none_open(desk);
  desk.database.read([&](soci::session& sql) { check_names(sql, pops); });
  Rollout rollout(desk, *lease, current_of(desk).id);
  rollout.meet_registry();
  rollout.bring_up(
      [&](const Delivery& each) { return pops.empty() || std::ranges::find(pops, each.pop) != pops.end(); });
  return rollout.outcome();
}

std::optional<Outcome> retry(const Desk& desk) {
  const auto lease = Lease::take(desk.database, desk.owner, desk.clock);
  if (auto settled = settle(desk, *lease, true)) return settled;
  std::optional<Push> current;
  desk.database.read([&](soci::session& sql) { current = current_push(sql); });
  if (!current || current->is_open()) return std::nullopt;
  Rollout rollout(desk, *lease, current->id);
  rollout.meet_registry();
  if (!rollout.mend()) return std::nullopt;
  return rollout.outcome();
}

Outcome confirm(const Desk& desk, const registry::Actor& actor) {
  registry::check_actor(actor);
  const auto lease = take_lease(desk);
  // One that was cut short goes on.
  if (is_confirmed_in_part(read_open(desk)))
    if (auto settled = settle(desk, *lease, false)) return std::move(*settled);
  Rollout rollout(desk, *lease, unconfirmed_push(desk, *lease).id);
  rollout.confirm(actor);
  return rollout.outcome();
}

Outcome revert(const Desk& desk, const registry::Actor& actor) {
  registry::check_actor(actor);
  const auto lease = take_lease(desk);
  if (const auto open = read_open(desk); is_confirmed_in_part(open))
    throw Fault(fmt::format("serial {} is confirmed already, at some POPs: anytick confirm goes on with it, anytick "
                            "rollback takes it back",
                            open->serial));
  Rollout rollout(desk, *lease, unconfirmed_push(desk, *lease).id);
  rollout.revert(actor);
  return rollout.outcome();
}

void check_none_open(const Desk& desk) {
  if (const auto open = read_open(desk)) throw Fault(waits_text(*open));
}

std::optional<Outcome> recover(const Desk& desk) {
  const auto lease = take_lease(desk);
  return settle(desk, *lease, false);
}

size_t prune(const Desk& desk, size_t keep) {
  // Nothing begins meanwhile that needs what is dropped.
  const auto lease = Lease::take(desk.database, desk.owner, desk.clock);
  const FleetReport report = ask_fleet(desk, std::nullopt);
  size_t dropped = 0;
  desk.database.transact([&](soci::session& sql) {
    lease->renew(sql);
    std::set<int64_t> needed = running_serials(report);
    for (const PopReport& each : report.pops)
      if (!each.status)
        if (const auto serial = last_serial_at(sql, each.pop.name)) needed.insert(*serial);
    dropped = prune_revisions(sql, keep, needed);
  });
  return dropped;
}

} // namespace anytick::delivery
