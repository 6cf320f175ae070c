#include "control/delivery/begin.h"

#include <algorithm>

#include <fmt/format.h>

#include "control/delivery/settings.h"
#include "control/registry/audit.h"
#include "control/registry/pops.h"
#include "control/text.h"

namespace anytick::delivery {
namespace {

std::string serial_text(std::optional<int64_t> serial) {
  return serial ? fmt::format("serial {}", *serial) : "nothing";
}

std::vector<registry::Pop> enabled_pops(soci::session& sql) {
  std::vector<registry::Pop> pops = registry::list_pops(sql);
  std::erase_if(pops, [](const registry::Pop& each) { return !each.enabled; });
  return pops;
}

void check_canaries(const std::vector<registry::Pop>& pops, const Manner& manner) {
  const auto is_one = [&](const registry::Pop& pop) {
    return pop.canary && (manner.pops.empty() || std::ranges::find(manner.pops, pop.name) != manner.pops.end());
  };
  if (manner.canaries_first && std::ranges::none_of(pops, is_one)) throw Fault("none of these POPs is a canary");
}

/// What `push` is at each POP.
void add_deliveries(soci::session& sql, const Push& push, const std::vector<registry::Pop>& pops,
                    const Manner& manner) {
  for (const registry::Pop& pop : pops) {
    Delivery delivery;
    delivery.push = push.id;
    delivery.pop = pop.name;
    delivery.canary = pop.canary && manner.canaries_first;
    delivery.asked = manner.pops.empty() || std::ranges::find(manner.pops, pop.name) != manner.pops.end();
    delivery.time = push.time;
    write_delivery(sql, delivery);
  }
}

registry::Id add(soci::session& sql, int64_t serial, const std::optional<Push>& current, bool forced,
                 const registry::Actor& actor, const Manner& manner) {
  const std::vector<registry::Pop> pops = enabled_pops(sql);
  if (pops.empty()) throw Fault("the registry has no POP that is enabled");
  check_names(sql, manner.pops);
  check_canaries(pops, manner);
  Push push;
  push.serial = serial;
  if (current) push.previous = current->serial;
  push.time = actor.now;
  push.who = actor.who;
  push.reason = actor.reason;
  push.forced = forced;
  push.stage = manner.canaries_first ? PushStage::canaries : PushStage::all;
  push.soak = manner.canaries_first ? manner.soak : 0;
  if (manner.confirm_within) push.confirm_by = actor.now + push.soak + *manner.confirm_within;
  push.id = add_push(sql, push);
  add_deliveries(sql, push, pops, manner);
  return push.id;
}

/// The transaction of a beginning.
registry::Id begin(const Desk& desk, const Lease& lease, const std::function<registry::Id(soci::session&)>& work) {
  registry::Id id = 0;
  if (desk.step) desk.step("write begin");
  desk.database.transact([&](soci::session& sql) {
    lease.renew(sql);
    if (const auto open = open_push(sql)) throw Fault(waits_text(*open));
    id = work(sql);
  });
  if (desk.step) desk.step("wrote begin");
  return id;
}

void check_match(soci::session& sql, const PushRequest& request, const std::optional<Push>& current) {
  std::optional<int64_t> serial;
  if (current) serial = current->serial;
  if (request.revision.base != serial)
    throw Fault(fmt::format("the plan no longer matches: it was compared with {}, and {} is current; make a new one "
                            "and review that",
                            serial_text(request.revision.base), serial_text(serial)));
  if (registry::last_audit(sql) != request.registry_state)
    throw Fault("the registry was changed while the plan was verified: try again");
}

} // namespace

std::string waits_text(const Push& push) {
  if (push.state == PushState::pushing) return fmt::format("serial {} is being pushed", push.serial);
  return fmt::format("serial {} waits for its confirmation until {}: anytick confirm, or anytick confirm --revert",
                     push.serial, control::date_text(static_cast<uint64_t>(push.confirm_by.value_or(0))));
}

void check_names(soci::session& sql, const std::vector<std::string>& names) {
  const std::vector<registry::Pop> pops = enabled_pops(sql);
  for (const std::string& name : names)
    if (std::ranges::find(pops, name, &registry::Pop::name) == pops.end())
      throw Fault("there is no enabled POP '" + name + "'");
}

registry::Id begin_push(const Desk& desk, const Lease& lease, const PushRequest& request) {
  if (!request.objections.empty() && !request.forced) throw Guarded(request.objections);
  if (request.forced && request.actor.reason.empty()) throw Fault("what is forced needs a reason");
  return begin(desk, lease, [&](soci::session& sql) {
    const auto current = current_push(sql);
    check_match(sql, request, current);
    Revision revision = request.revision;
    revision.who = request.actor.who;
    revision.reason = request.actor.reason;
    store_revision(sql, revision, request.plan, request.image);
    const bool forced = request.forced && !request.objections.empty();
    const registry::Id id = add(sql, revision.serial, current, forced, request.actor, request.manner);
    if (forced)
      registry::record(sql, request.actor, "push", std::to_string(revision.serial), "force", nullptr,
                       {{"objections", request.objections}});
    release_hold(sql, request.actor);
    return id;
  });
}

registry::Id begin_rollback(const Desk& desk, const Lease& lease, int64_t serial, const registry::Actor& actor,
                            const Manner& manner) {
  if (actor.reason.empty()) throw Fault("a rollback needs a reason");
  return begin(desk, lease, [&](soci::session& sql) {
    const auto current = current_push(sql);
    if (current && current->serial == serial)
      throw Fault(fmt::format("serial {} is current: POPs that do not run it get it by anytick push --resume", serial));
    if (!get_revision(sql, serial).is_whole)
      throw Fault(fmt::format("revision {} was pruned: its image is gone", serial));
    const registry::Id id = add(sql, serial, current, false, actor, manner);
    registry::record(sql, actor, "push", std::to_string(serial), "rollback",
                     current ? nlohmann::ordered_json{{"serial", current->serial}} : nlohmann::ordered_json(),
                     {{"serial", serial}});
    set_hold(sql, {serial, actor.who, actor.reason, actor.now});
    return id;
  });
}

} // namespace anytick::delivery
