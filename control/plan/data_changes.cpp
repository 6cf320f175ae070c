#include "control/plan/data_changes.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "control/plan/compare.h"
#include "control/plan/digest.h"
#include "control/selection/vendor_labels.h"

namespace anytick::plan {
namespace {

using Kind = DataChange::Kind;
using registry::Snapshot;

std::string vendors_digest(const Snapshot& snapshot, const std::string& origin, const selection::Policy& policy) {
  nlohmann::ordered_json labels;
  for (const registry::VendorZone& vendor : snapshot.vendors)
    if (vendor.root == origin && selection::is_published(vendor))
      labels.push_back(nlohmann::ordered_json(selection::vendor_labels(vendor, policy)));
  return sha256_text(labels.dump());
}

AnswerData data_of(const Snapshot& snapshot, const selection::Policy& policy) {
  AnswerData data;
  for (const registry::DnsRoot& root : snapshot.roots)
    data.roots.push_back({root.origin, root.contact, root.name_servers, root.ttl, root.max_hosts,
                          sha256_text(root.static_data), vendors_digest(snapshot, root.origin, policy)});
  std::string zones;
  for (const registry::TreeZone& zone : snapshot.tree) zones += zone.name + '\n';
  data.tree_digest = sha256_text(zones);
  return data;
}

/// "ttl 150 -> 300, static data"
std::string root_difference(const RootData& was, const RootData& is) {
  std::vector<std::string> parts;
  if (was.contact != is.contact) parts.push_back(fmt::format("contact {} -> {}", was.contact, is.contact));
  if (was.name_servers != is.name_servers)
    parts.push_back(
        fmt::format("name servers {} -> {}", fmt::join(was.name_servers, " "), fmt::join(is.name_servers, " ")));
  if (was.ttl != is.ttl) parts.push_back(fmt::format("ttl {} -> {}", was.ttl, is.ttl));
  if (was.max_hosts != is.max_hosts) parts.push_back(fmt::format("max_hosts {} -> {}", was.max_hosts, is.max_hosts));
  if (was.static_digest != is.static_digest) parts.emplace_back("static data");
  if (was.vendors_digest != is.vendors_digest) parts.emplace_back("vendor zones");
  return fmt::format("{}", fmt::join(parts, ", "));
}

void compare_roots(const std::vector<RootData>& before, const std::vector<RootData>& after,
                   std::vector<DataChange>& changes) {
  walk_both(
      before, after, [](const RootData& root) -> const std::string& { return root.origin; },
      [&](const RootData* was, const RootData* is) {
        if (was == nullptr)
          changes.push_back({Kind::root_added, is->origin, fmt::format("root {} is new", is->origin)});
        else if (is == nullptr)
          changes.push_back({Kind::root_removed, was->origin,
                             fmt::format("root {} is gone: nothing of it is answered", was->origin)});
        else if (*was != *is)
          changes.push_back({Kind::root_changed, is->origin,
                             fmt::format("root {} changes: {}", is->origin, root_difference(*was, *is))});
      });
}

std::string query_policy_difference(const std::string& was, const std::string& is) {
  return was.empty() ? "the query policy is new" : is.empty() ? "the query policy is gone" : "the query policy changes";
}

std::vector<DataChange> changes_of(const Plan& plan, const Plan* base) {
  static const Plan nothing = [] {
    Plan empty;
    empty.data.emplace();
    return empty;
  }();
  const Plan& before = base == nullptr ? nothing : *base;
  std::vector<DataChange> changes;
  if (before.data) {
    compare_roots(before.data->roots, plan.data->roots, changes);
    if (base != nullptr && before.data->tree_digest != plan.data->tree_digest)
      changes.push_back({Kind::zone_names, "", "the tree has other zones"});
  }
  if (base != nullptr && before.answers.ipv6_everywhere != plan.answers.ipv6_everywhere)
    changes.push_back(
        {Kind::rules, "", fmt::format("selection.ipv6_everywhere becomes {}", plan.answers.ipv6_everywhere)});
  if (before.query_policy != plan.query_policy)
    changes.push_back({Kind::query_policy, "", query_policy_difference(before.query_policy, plan.query_policy)});
  return changes;
}

} // namespace

void note_data(Plan& plan, const Sources& sources, bool is_as_base) {
  plan.data = data_of(sources.snapshot, sources.config.selection);
  if (is_as_base) return;
  plan.data_changes = changes_of(plan, sources.base);
  // A base of a program that did not note its data, or that made another image of the same.
  if (plan.changes_nothing()) plan.data_changes.push_back({Kind::other, "", "the zones' other data change"});
}

} // namespace anytick::plan
