#include "control/plan/make_plan.h"

#include <cmath>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "control/compile.h"
#include "control/plan/compare.h"
#include "control/plan/demand.h"
#include "control/plan/digest.h"
#include "control/plan/guard.h"
#include "control/plan/shares.h"
#include "control/selection/zones.h"
#include "control/text.h"
#include "dataplane/core/zone_image.h"

namespace anytick::plan {
namespace {

using registry::Snapshot;
using selection::Scores;
using selection::Selection;

Scores scores_of(const Snapshot& snapshot, const Scores& scores) {
  Scores known;
  for (const registry::Server& server : snapshot.servers)
    if (const auto found = scores.find(server.address); found != scores.end() && std::isfinite(found->second))
      known.insert(*found);
  return known;
}

selection::AsnOf asn_by(const geo::Map* map) {
  if (map == nullptr) return [](const geo::Address&) { return 0u; };
  return [map](const geo::Address& address) { return map->location_of(map->find(address)).asn; };
}

AnswerRules answer_rules(const Snapshot& snapshot, const selection::Policy& policy) {
  AnswerRules rules{.max_hosts = {}, .ipv6_everywhere = policy.ipv6_everywhere};
  for (const registry::DnsRoot& root : snapshot.roots) rules.max_hosts.push_back(root.max_hosts);
  return rules;
}

const Selection& selection_of(const Plan* plan) {
  static const Selection nothing;
  return plan == nullptr ? nothing : plan->selection;
}

Result<std::vector<std::byte>> make_image(const Snapshot& snapshot, const Selection& selection,
                                          const selection::Policy& policy, int64_t serial, int64_t now) {
  if (snapshot.roots.empty())
    return Refusal{"plan", "", "the registry has no DNS root: there is nothing to answer for"};
  control::Findings findings("registry");
  const std::vector<control::Zone> zones =
      selection::make_zones(snapshot, selection, policy, static_cast<uint32_t>(serial), findings);
  if (findings.faults() > 0) {
    std::string text = "its roots are no zones";
    for (const control::Finding& finding : findings.all())
      if (finding.severity == control::Severity::fault) text += "\n  " + finding.text();
    return Refusal{"plan", "", text};
  }
  return control::compile(zones, static_cast<uint64_t>(serial), static_cast<uint64_t>(now));
}

/// The digest of an image that POPs will take.
Result<std::string> digest_of(std::span<const std::byte> bytes) {
  const auto image = core::ZoneImage::validate(bytes);
  if (!image) return image.refusal();
  return control::hex_text(image->header().digest);
}

bool is_utf8(const std::string& text) {
  try {
    nlohmann::json(text).dump();
    return true;
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
}

/// What the base gave clients, as far as that is not known from then: asked by the demand of today, answered by the
/// rules of then.
FamilyShares shares_before(const Plan* base, const Plan& plan, const Demand& demand, InclusionCache& inclusion) {
  if (base == nullptr) return {};
  if (base->demand_digest == plan.demand_digest) return base->after;
  return shares_of(base->selection, demand, base->answers, inclusion);
}

} // namespace

Result<MadePlan> make_plan(const Sources& sources, const Scores& scores, int64_t serial, int64_t now) {
  const Snapshot& snapshot = sources.snapshot;
  const selection::Policy& policy = sources.config.selection;
  const Selection& before = selection_of(sources.base);
  MadePlan made;
  Plan& plan = made.plan;
  plan.serial = serial;
  if (sources.base != nullptr) plan.base = sources.base->serial;
  plan.created = now;
  plan.registry_state = snapshot.last_audit;
  plan.answers = answer_rules(snapshot, policy);
  plan.query_policy = selection::query_policy(snapshot, sources.policy);
  if (!is_utf8(plan.query_policy)) return Refusal{"query policy", "", "it is not UTF-8"};
  const Demand demand = demand_of(sources.config.demand, sources.map);
  plan.demand_digest = demand_digest(demand);
  plan.policy_digest = policy_digest(policy, demand, plan.query_policy);

  plan.scores = scores_of(snapshot, scores);
  plan.selection = selection::select(snapshot, plan.scores, before, policy, asn_by(sources.map), now);
  auto image = make_image(snapshot, plan.selection, policy, serial, now);
  if (!image) return image.refusal();
  made.image = *std::move(image);
  const auto digest = digest_of(made.image);
  if (!digest) return digest.refusal();
  plan.image_digest = *digest;

  InclusionCache own;
  InclusionCache& inclusion = sources.inclusion == nullptr ? own : *sources.inclusion;
  plan.before = shares_before(sources.base, plan, demand, inclusion);
  plan.after = shares_of(plan.selection, demand, plan.answers, inclusion);
  inclusion.forget_unused();
  plan.servers = server_changes(before, plan.selection);
  plan.zones = zone_changes(before, plan.selection);
  const hub::GuardConfig& guard = sources.config.guard;
  plan.objections = sources.base == nullptr ? objections_to_first(plan.selection, guard)
                                            : objections_to(before, plan.selection, guard);
  return made;
}

} // namespace anytick::plan
