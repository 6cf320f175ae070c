#include "control/delivery/rollout.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "control/delivery/in_parallel.h"
#include "control/registry/pops.h"

namespace anytick::delivery {

Rollout::Rollout(const Desk& desk, const Lease& lease, registry::Id push) : desk_(desk), lease_(lease) {
  desk_.database.read([&](soci::session& sql) {
    push_ = get_push(sql, push);
    cargo_ = read_cargo(sql, push_.serial, desk_.config);
    const std::vector<registry::Pop> pops = registry::list_pops(sql);
    targets_.clear();
    for (Delivery& delivery : list_deliveries(sql, push)) {
      Target& target = targets_.emplace_back(Target{std::move(delivery), std::nullopt});
      const auto pop = std::ranges::find(pops, target.delivery.pop, &registry::Pop::name);
      if (pop != pops.end() && pop->enabled) target.link.emplace(*pop, desk_.config.tls, desk_.patience);
    }
  });
}

Outcome Rollout::outcome() const {
  Outcome outcome{push_, {}};
  for (const Target& target : targets_) outcome.deliveries.push_back(target.delivery);
  return outcome;
}

/// Of those that are there.
Rollout::Picked Rollout::pick(const std::function<bool(const Delivery&)>& which) const {
  Picked picked;
  for (size_t i = 0; i < targets_.size(); ++i)
    if (targets_[i].link && which(targets_[i].delivery)) picked.push_back(i);
  return picked;
}

/// A transaction of who has the lease.
void Rollout::commit(const std::string& what, const std::function<void(soci::session&)>& work) const {
  if (desk_.step) desk_.step("write " + what);
  desk_.database.transact([&](soci::session& sql) {
    lease_.renew(sql);
    work(sql);
  });
  if (desk_.step) desk_.step("wrote " + what);
}

void Rollout::write(Target& target, Delivered delivered) {
  Delivery& delivery = target.delivery;
  // Only a load tells that it is not stored. Whoever was started anew, and counts anew, runs what it had stored.
  if (delivery.runs() && delivered.state == delivery.state && delivered.generation >= delivery.generation &&
      delivered.detail.empty())
    delivered.detail = delivery.detail;
  if (delivery.state == delivered.state && delivery.generation == delivered.generation &&
      delivery.detail == delivered.detail) {
    if (lease_.is_due()) commit("lease", [](soci::session&) {});
    return;
  }
  delivery.time = desk_.clock();
  delivery.state = delivered.state;
  delivery.generation = delivered.generation;
  delivery.detail = std::move(delivered.detail);
  commit(delivery.pop, [&](soci::session& sql) { write_delivery(sql, delivery); });
  if (desk_.told) desk_.told(delivery);
}

/// With all picked at once; what comes of each is written as it comes.
void Rollout::work_on(const Picked& picked, const Work& work) {
  std::vector<Delivered> delivered(picked.size());
  in_parallel(
      picked.size(), desk_.threads, [&](size_t i) { delivered[i] = work(targets_[picked[i]]); },
      [&](size_t i) { write(targets_[picked[i]], std::move(delivered[i])); },
      [&] {
        if (lease_.is_due()) commit("lease", [](soci::session&) {});
      });
}

/// Whether what waits for its confirmation at the POP can be this push's, and not what somebody tries there by hand:
/// that has the same image, too, where it is only a policy or a geo map.
bool Rollout::may_wait(const Delivery& delivery) const {
  if (!push_.confirm_by && push_.stage != PushStage::canaries) return false;
  return delivery.state == DeliveryState::sending || delivery.state == DeliveryState::unconfirmed ||
         delivery.state == DeliveryState::refused || delivery.state == DeliveryState::away;
}

Delivered Rollout::seen_at(Target& target) const {
  return look_at(*target.link, cargo_, may_wait(target.delivery), desk_.step);
}

void Rollout::deliver_to(const Picked& picked, const std::function<Terms()>& terms) {
  if (picked.empty()) return;
  std::vector<char> may_wait_at(targets_.size());
  for (const size_t i : picked) may_wait_at[i] = may_wait(targets_[i].delivery) ? 1 : 0;
  commit("sending", [&](soci::session& sql) {
    for (const size_t i : picked) {
      Delivery& delivery = targets_[i].delivery;
      delivery.state = DeliveryState::sending;
      delivery.asked = true;
      delivery.time = desk_.clock();
      delivery.detail.clear();
      write_delivery(sql, delivery);
    }
    update_push(sql, push_);
  });
  work_on(picked, [&](Target& target) {
    Terms its = terms();
    its.may_wait = may_wait_at[static_cast<size_t>(&target - targets_.data())] != 0;
    return deliver(*target.link, cargo_, its, desk_.step);
  });
}

bool Rollout::is_past_confirmation() const {
  return push_.confirm_by && push_.stage != PushStage::confirming && desk_.clock() >= *push_.confirm_by;
}

/// All POPs go back at about the same time, however late their turn is.
Terms Rollout::terms() const {
  if (!push_.confirm_by) return {};
  return {static_cast<uint32_t>(std::max<int64_t>(*push_.confirm_by - desk_.clock(), 1)), true};
}

void Rollout::run() {
  if (push_.stage == PushStage::canaries && !run_canaries()) return;
  if (is_past_confirmation()) return expire("its time was over before all POPs had it");
  deliver_to(pick([](const Delivery& each) { return each.asked && !each.runs(); }), [this] { return terms(); });
  end();
}

std::string Rollout::summary() const {
  constexpr std::array told{DeliveryState::refused, DeliveryState::away,      DeliveryState::waiting,
                            DeliveryState::sending, DeliveryState::gone_back, DeliveryState::left};
  std::string text;
  for (const DeliveryState state : told) {
    const auto count = std::ranges::count(targets_, state, [](const Target& each) { return each.delivery.state; });
    if (count > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, name_of(state));
  }
  return text;
}

/// As what its deliveries say.
void Rollout::end() {
  const size_t all = pick([](const Delivery&) { return true; }).size();
  const auto count = [this](DeliveryState state) {
    return pick([state](const Delivery& each) { return each.state == state; }).size();
  };
  const size_t applied = count(DeliveryState::applied), unconfirmed = count(DeliveryState::unconfirmed);
  const bool may_fail = push_.state == PushState::pushing && (push_.confirm_by || count(DeliveryState::refused) > 0);
  if (unconfirmed > 0 && push_.confirm_by && push_.stage != PushStage::confirming)
    return end_as(PushState::unconfirmed, summary());
  if (applied == all) return end_as(PushState::done, summary());
  if (applied == 0 && may_fail) return end_as(PushState::failed, summary());
  end_as(PushState::partial, summary());
}

void Rollout::end_as(PushState state, const std::string& detail) {
  push_.state = state;
  push_.detail = detail;
  commit("end", [&](soci::session& sql) { update_push(sql, push_); });
}

} // namespace anytick::delivery
