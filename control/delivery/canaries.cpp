#include <algorithm>

#include <fmt/format.h>

#include "control/delivery/rollout.h"

namespace anytick::delivery {
namespace {

constexpr std::chrono::milliseconds soak_step{500};

} // namespace

/// Whether the others may get it.
bool Rollout::run_canaries() {
  const auto canaries = [](const Delivery& each) { return each.canary && each.asked; };
  const auto until_confirmed = [this] {
    if (push_.confirm_by) return terms();
    return Terms{static_cast<uint32_t>(push_.soak + hub::canary_grace.count()), false};
  };
  deliver_to(pick([&](const Delivery& each) { return canaries(each) && !each.runs(); }), until_confirmed);
  std::string fault = fault_of_canaries();
  if (fault.empty()) {
    soak();
    work_on(pick(canaries), [this](Target& each) { return seen_at(each); });
    fault = fault_of_canaries();
  }
  if (fault.empty() && !push_.confirm_by) {
    deliver_to(pick([&](const Delivery& each) { return canaries(each) && each.state == DeliveryState::unconfirmed; }),
               [] { return Terms{}; });
    fault = fault_of_canaries();
  }
  if (!fault.empty()) {
    fail_canaries(fault);
    return false;
  }
  push_.stage = PushStage::all;
  commit("canaries", [&](soci::session& sql) { update_push(sql, push_); });
  return true;
}

/// Of the first that does not run it; "": all do.
std::string Rollout::fault_of_canaries() const {
  const Picked faulty = pick([](const Delivery& each) { return each.canary && each.asked && !each.runs(); });
  if (faulty.empty()) return "";
  const Delivery& first = targets_[faulty.front()].delivery;
  return fmt::format("canary {} is {}{}{}", first.pop, name_of(first.state), first.detail.empty() ? "" : ": ",
                     first.detail);
}

void Rollout::soak() {
  const int64_t until = desk_.clock() + push_.soak;
  while (desk_.clock() < until) {
    desk_.sleep(soak_step);
    if (lease_.is_due()) commit("lease", [](soci::session&) {});
  }
}

/// What a canary runs for good is taken back by what ran before.
void Rollout::fail_canaries(const std::string& why) {
  std::optional<Cargo> previous;
  if (push_.previous && push_.previous != push_.serial)
    desk_.database.read([&](soci::session& sql) { previous = read_cargo(sql, *push_.previous, desk_.config); });
  // Whoever did not say that it does not run it may do so.
  work_on(pick([](const Delivery& each) {
            return each.canary && each.asked && each.state != DeliveryState::refused &&
                   each.state != DeliveryState::waiting;
          }),
          [&](Target& each) { return take_back(*each.link, cargo_, previous ? &*previous : nullptr, desk_.step); });
  end_as(PushState::failed, why);
}

} // namespace anytick::delivery
