#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "control/delivery/rollout.h"
#include "control/registry/audit.h"
#include "control/registry/pops.h"

/// What becomes of a push after its first owner: it is found again, confirmed, taken back, or brought to more POPs.
namespace anytick::delivery {

void Rollout::look() {
  work_on(pick([](const Delivery& each) { return each.asked; }), [this](Target& target) {
    const Delivery& before = target.delivery;
    Delivered seen = seen_at(target);
    // What it said before is more than that it says nothing, or that it still runs something else.
    const bool is_silent = seen.state == DeliveryState::away || seen.state == DeliveryState::refused;
    const bool is_no_news = is_silent ? before.state != DeliveryState::sending
                                      : seen.state == DeliveryState::waiting && before.state == DeliveryState::refused;
    if (is_no_news) return Delivered{before.state, before.generation, before.detail};
    if (seen.state == DeliveryState::refused) seen.state = DeliveryState::away; // to tell what it runs
    return seen;
  });
}

void Rollout::resume() {
  // The time that canaries had to go back by themselves was of a soak that nobody watched.
  if (push_.stage == PushStage::canaries && !push_.confirm_by)
    work_on(pick([](const Delivery& each) { return each.state == DeliveryState::unconfirmed; }),
            [this](Target& each) { return take_back(*each.link, cargo_, nullptr, desk_.step); });
  run();
}

void Rollout::abandon() {
  if (is_past_confirmation()) return expire("it was cut short, and its time is over");
  if (push_.stage == PushStage::canaries && !push_.confirm_by)
    return fail_canaries("it was cut short before its canaries had kept it");
  if (pick([](const Delivery& each) { return each.runs(); }).empty())
    return end_as(PushState::failed, "it was cut short, and no POP is seen to run it");
  push_.stage = PushStage::all;
  end();
}

void Rollout::meet_registry() {
  const size_t known = targets_.size();
  std::vector<registry::Pop> pops;
  desk_.database.read([&](soci::session& sql) { pops = registry::list_pops(sql); });
  for (const registry::Pop& pop : pops) {
    const auto same = [&](const Target& each) { return each.delivery.pop == pop.name; };
    if (!pop.enabled || std::ranges::any_of(targets_, same)) continue;
    Delivery delivery;
    delivery.push = push_.id;
    delivery.pop = pop.name;
    delivery.time = desk_.clock();
    targets_.push_back({delivery, PopLink(pop, desk_.config.tls, desk_.patience)});
  }
  const bool is_as_known = targets_.size() == known && std::ranges::all_of(targets_, [](const Target& each) {
                             return each.link.has_value() == (each.delivery.state != DeliveryState::left);
                           });
  if (is_as_known) return;
  std::ranges::sort(targets_, {}, [](const Target& each) { return each.delivery.pop; });
  commit("POPs", [&](soci::session& sql) {
    for (Target& target : targets_) {
      Delivery& delivery = target.delivery;
      if (target.link && delivery.state == DeliveryState::left) delivery.state = DeliveryState::waiting;
      if (!target.link) delivery.state = DeliveryState::left;
      write_delivery(sql, delivery);
    }
  });
}

void Rollout::bring_up(const std::function<bool(const Delivery&)>& which) {
  const Picked picked = pick(which);
  work_on(picked, [this](Target& target) {
    const Delivered seen = seen_at(target);
    // It is about to be tried again: why it refused before stays until then.
    if (seen.state != DeliveryState::waiting || target.delivery.state != DeliveryState::refused) return seen;
    return Delivered{DeliveryState::refused, 0, target.delivery.detail};
  });
  Picked due;
  std::ranges::copy_if(picked, std::back_inserter(due),
                       [this](size_t i) { return targets_[i].delivery.state != DeliveryState::applied; });
  if (!due.empty()) push_.state = PushState::partial;
  deliver_to(due, [] { return Terms{}; });
  end();
}

bool Rollout::mend() {
  const Picked asked = pick([](const Delivery& each) { return each.asked; });
  std::vector<DeliveryState> before;
  for (const size_t i : asked) before.push_back(targets_[i].delivery.state);
  std::vector<char> is_due(targets_.size()); // a byte of its own for each thread
  work_on(asked, [&](Target& target) {
    const Delivery& known = target.delivery;
    const Delivered same{known.state, known.generation, known.detail};
    Delivered seen = seen_at(target);
    const bool is_silent = seen.state == DeliveryState::away || seen.state == DeliveryState::refused;
    if (is_silent && (known.runs() || known.state == DeliveryState::refused)) return same;
    if (is_silent) return Delivered{DeliveryState::away, 0, std::move(seen.detail)};
    if (seen.state != DeliveryState::waiting) return seen;
    if (known.state == DeliveryState::refused) return same;
    is_due[static_cast<size_t>(&target - targets_.data())] = seen.is_blocked ? 0 : 1;
    return seen;
  });
  Picked due;
  bool is_news = false;
  for (size_t i = 0; i < asked.size(); ++i) {
    if (is_due[asked[i]] != 0) due.push_back(asked[i]);
    is_news |= targets_[asked[i]].delivery.state != before[i];
  }
  if (due.empty() && !is_news) return false;
  if (!due.empty()) push_.state = PushState::partial;
  deliver_to(due, [] { return Terms{}; });
  end();
  return true;
}

void Rollout::confirm(const registry::Actor& actor) {
  push_.stage = PushStage::confirming;
  commit("confirming", [&](soci::session& sql) {
    update_push(sql, push_);
    registry::record(sql, actor, "push", std::to_string(push_.serial), "confirm", {{"state", "unconfirmed"}},
                     {{"state", "confirmed"}});
  });
  confirm_rest();
}

void Rollout::confirm_rest() {
  Picked picked = pick([](const Delivery& each) {
    return each.asked && each.state != DeliveryState::applied && each.state != DeliveryState::refused;
  });
  // First those whose time runs.
  std::stable_partition(picked.begin(), picked.end(),
                        [this](size_t i) { return targets_[i].delivery.state == DeliveryState::unconfirmed; });
  deliver_to(picked, [] { return Terms{}; });
  end();
}

void Rollout::expire(const std::string& why) {
  go_back(PushState::expired, why, {push_.who, fmt::format("{} is expired: {}", push_.serial, why), desk_.clock()});
}

void Rollout::revert(const registry::Actor& actor) {
  go_back(PushState::reverted, fmt::format("by {}{}{}", actor.who, actor.reason.empty() ? "" : ": ", actor.reason),
          actor);
}

void Rollout::go_back(PushState end, const std::string& detail, const registry::Actor& actor) {
  work_on(pick([](const Delivery& each) {
            return each.state == DeliveryState::unconfirmed || each.state == DeliveryState::sending ||
                   each.state == DeliveryState::away;
          }),
          [this](Target& each) { return take_back(*each.link, cargo_, nullptr, desk_.step); });
  const std::string_view before = name_of(std::exchange(push_.state, end));
  push_.detail = detail;
  // A daemon would plan and push the same again.
  commit("end", [&](soci::session& sql) {
    update_push(sql, push_);
    registry::record(sql, actor, "push", std::to_string(push_.serial), end == PushState::reverted ? "revert" : "expire",
                     {{"state", before}}, {{"state", name_of(end)}});
    const std::string reason =
        actor.reason.empty() ? fmt::format("{} is {}", push_.serial, name_of(end)) : actor.reason;
    set_hold(sql, {push_.previous.value_or(0), actor.who, reason, actor.now});
  });
}

} // namespace anytick::delivery
