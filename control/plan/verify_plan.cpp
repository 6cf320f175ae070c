#include <algorithm>
#include <optional>
#include <span>
#include <string>

#include <fmt/format.h>

#include "control/plan/compare.h"
#include "control/plan/make_plan.h"
#include "control/plan/plan_words.h"

namespace anytick::plan {
namespace {

using selection::Judged;
using selection::Verdict;

Refusal no_match(const std::string& reason) {
  return {"plan", "", "it no longer matches: " + reason + "; make a new one and review that"};
}

std::string serial_text(std::optional<int64_t> serial) {
  return serial ? fmt::format("serial {}", *serial) : "nothing";
}

std::string judged_text(const Judged* judged) {
  return judged == nullptr ? "not there" : std::string(verdict_word(judged->verdict));
}

/// What became of servers since: those that are judged differently, then those whose weight is another.
std::vector<std::string> changed_servers(const selection::Selection& then, const selection::Selection& now) {
  std::vector<std::string> changed, weights;
  walk_both(
      then.servers, now.servers, [](const Judged& j) -> const geo::Address& { return j.address; },
      [&](const Judged* was, const Judged* is) {
        if (was != nullptr && is != nullptr && was->verdict == is->verdict) return;
        const geo::Address& address = (was == nullptr ? is : was)->address;
        changed.push_back(fmt::format("{} was {}, is {}", geo::to_text(address), judged_text(was), judged_text(is)));
      });
  for (const ServerChange& each : server_changes(then, now))
    if (each.before == Verdict::in && each.after == Verdict::in)
      weights.push_back(fmt::format("{} had weight {} in {}, has {}", geo::to_text(each.address), each.weight_before,
                                    each.zone, each.weight_after));
  changed.insert(changed.end(), weights.begin(), weights.end());
  return changed;
}

/// Why another image comes out of the same policy and scores.
std::string what_differs(const Plan& reviewed, const Plan& fresh) {
  constexpr size_t told_max = 10;
  const auto changed = changed_servers(reviewed.selection, fresh.selection);
  if (!changed.empty()) {
    std::string text =
        fmt::format("{} server{} changed since", changed.size(), changed.size() == 1 ? " has" : "s have");
    for (size_t i = 0; i < std::min(changed.size(), told_max); ++i) text += (i == 0 ? ": " : ", ") + changed[i];
    return text + (changed.size() > told_max ? ", ..." : "");
  }
  const auto zones = zone_changes(reviewed.selection, fresh.selection);
  if (!zones.empty())
    return fmt::format("zone {} and {} others have other servers now", zones.front().zone, zones.size() - 1);
  if (reviewed.registry_state != fresh.registry_state)
    return fmt::format("the registry's roots, zones or vendors have changed since (its state was {}, is {})",
                       reviewed.registry_state, fresh.registry_state);
  return "this program makes another image of it than the one that it was made by";
}

} // namespace

Result<MadePlan> verify_plan(const Plan& reviewed, const Sources& sources) {
  std::optional<int64_t> pushed;
  if (sources.base != nullptr) pushed = sources.base->serial;
  if (reviewed.base != pushed)
    return no_match(fmt::format("it was compared with {}, and {} was pushed last", serial_text(reviewed.base),
                                serial_text(pushed)));
  auto fresh = make_plan(sources, reviewed.scores, reviewed.serial, reviewed.created);
  if (!fresh) return no_match(fresh.refusal().what == "plan" ? fresh.refusal().reason : fresh.refusal().text());
  if (fresh->plan.query_policy != reviewed.query_policy)
    return no_match("the query policy has changed since: the operator's text or a vendor's throttle");
  if (fresh->plan.demand_digest != reviewed.demand_digest)
    return no_match("the demand has changed since: [demand] in hub.toml or the geo map");
  if (fresh->plan.policy_digest != reviewed.policy_digest) return no_match("[selection] in hub.toml has changed since");
  if (fresh->plan.image_digest != reviewed.image_digest) return no_match(what_differs(reviewed, fresh->plan));
  return fresh;
}

} // namespace anytick::plan
