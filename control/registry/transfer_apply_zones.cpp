// The tree, roots and vendor zones: what names the labels of the DNS.

#include <algorithm>
#include <deque>

#include <fmt/format.h>

#include "control/registry/json.h"
#include "control/registry/names.h"
#include "control/registry/roots.h"
#include "control/registry/transfer_apply.h"
#include "control/registry/tree.h"
#include "control/registry/vendors.h"

namespace anytick::registry::transfer {
namespace {

constexpr size_t depth_max = 1000;

/// How far below the top a zone is, where each has the parent that it will have. Of a circle, and of what is below
/// nothing: depth_max.
size_t depth_of(const std::string& zone, const std::map<std::string, std::string>& parents) {
  size_t depth = 0;
  auto at = parents.find(zone);
  while (at != parents.end() && !at->second.empty() && depth < depth_max) {
    at = parents.find(at->second);
    ++depth;
  }
  return at == parents.end() ? depth_max : depth;
}

/// The shortest way; nothing where there is none.
std::optional<std::vector<VendorStep>> steps_between(VendorState from, VendorState to) {
  std::map<VendorState, std::vector<VendorStep>> ways{{from, {}}};
  std::deque<VendorState> open{from};
  while (!open.empty() && !ways.contains(to)) {
    const VendorState state = open.front();
    open.pop_front();
    for (const VendorStep step :
         {VendorStep::submit, VendorStep::approve, VendorStep::reject, VendorStep::suspend, VendorStep::resume}) {
      const auto next = after_step(state, step);
      if (!next || ways.contains(*next)) continue;
      std::vector<VendorStep> way = ways.at(state);
      way.push_back(step);
      ways.emplace(*next, std::move(way));
      open.push_back(*next);
    }
  }
  const auto found = ways.find(to);
  if (found == ways.end()) return std::nullopt;
  return found->second;
}

/// What takes it out of the DNS, so that it may be removed.
VendorState state_to_leave_by(VendorState state) {
  if (state == VendorState::pending) return VendorState::rejected;
  return state == VendorState::approved ? VendorState::suspended : state;
}

} // namespace

Applier::Outcome Applier::apply(const TreeRow& row) {
  tree_rows_.push_back({row, place_});
  return Outcome::later;
}

void Applier::apply_tree() {
  std::map<std::string, std::string> parents;
  for (const auto& [name, zone] : tree_) parents[name] = zone.parent;
  for (const auto& each : tree_rows_)
    if (each.row.parent || !parents.contains(each.row.name)) parents[each.row.name] = each.row.parent.value_or("");
  // From the top: then each finds the zone above it where it is to stay.
  std::map<std::string, size_t> depths;
  for (const auto& each : tree_rows_) depths[each.row.name] = depth_of(each.row.name, parents);
  std::ranges::stable_sort(tree_rows_, {}, [&](const auto& each) { return depths.at(each.row.name); });
  for (const auto& each : tree_rows_) attempt(each.place, [&] { tally(Kind::tree, set_tree_zone(each.row)); });
}

Applier::Outcome Applier::set_tree_zone(const TreeRow& row) {
  const auto found = tree_.find(row.name);
  if (found == tree_.end()) {
    add_tree_zone(sql_, actor_, {row.name, row.parent.value_or(""), row.description.value_or("")});
    return Outcome::added;
  }
  const TreeZone& before = found->second;
  require_update("zone '" + row.name + "'");
  const bool moved = row.parent && *row.parent != before.parent;
  const bool described = row.description && *row.description != before.description;
  if (!moved && !described) return Outcome::same;
  change_tree_zone(sql_, actor_, row.name, {.parent = row.parent, .description = row.description});
  return Outcome::changed;
}

Applier::Outcome Applier::apply(const RootRow& row) {
  const auto found = roots_.find(row.origin);
  const bool is_new = found == roots_.end();
  if (!is_new) require_update("root " + row.origin);
  try {
    return set_root(row);
  } catch (const Fault&) {
    if (!row.static_data) throw;
  }
  // Its static data may lead to vendor zones that are in the file, too, and need the root.
  RootRow bare = row;
  bare.static_data.reset();
  const Outcome outcome = set_root(bare);
  root_rows_.push_back({row, place_});
  return is_new ? outcome : Outcome::later;
}

Applier::Outcome Applier::set_root(const RootRow& row) {
  const auto found = roots_.find(row.origin);
  if (found == roots_.end()) {
    DnsRoot root{.origin = row.origin,
                 .contact = row.contact.value_or(""),
                 .name_servers = row.name_servers.value_or(std::vector<std::string>()),
                 .static_data = row.static_data.value_or("")};
    root.ttl = row.ttl.value_or(root.ttl);
    root.max_hosts = row.max_hosts.value_or(root.max_hosts);
    add_root(sql_, actor_, root);
    return Outcome::added;
  }
  const DnsRoot after = change_root(sql_, actor_, row.origin,
                                    {.contact = row.contact,
                                     .name_servers = row.name_servers,
                                     .ttl = row.ttl,
                                     .max_hosts = row.max_hosts,
                                     .static_data = row.static_data});
  return json_of(after) == json_of(found->second) ? Outcome::same : Outcome::changed;
}

void Applier::apply_static_data() {
  for (const auto& [row, place] : root_rows_) {
    const auto change = [&, &each = row] {
      const DnsRoot after = change_root(sql_, actor_, each.origin, {.static_data = each.static_data});
      const auto before = roots_.find(each.origin);
      if (before == roots_.end()) return;
      tally(Kind::roots, json_of(after) == json_of(before->second) ? Outcome::same : Outcome::changed);
    };
    attempt(place, change);
  }
}

Applier::Outcome Applier::apply(const VendorRow& row) {
  const std::string what = "vendor zone '" + row.name + "'";
  const auto found = vendors_.find(row.name);
  if (found == vendors_.end()) {
    if (!row.root) throw Fault(what + ": needs a root");
    VendorZone fresh;
    fresh.name = row.name;
    fresh.account = account_id(what, row.account);
    fresh.root = *row.root;
    fresh.note = row.note.value_or("");
    fresh.client = row.client.value_or(fresh.client);
    fresh.sink = row.sink.value_or(fresh.sink);
    fresh.throttle = row.throttle.value_or(std::nullopt);
    lead_to(add_vendor(sql_, actor_, fresh), row.state.value_or(VendorState::draft));
    return Outcome::added;
  }
  const VendorZone& before = found->second;
  require_update(what);
  if (row.account && account_id(what, row.account) != before.account)
    throw Fault(what + ": it is another account's, and stays that");
  if (row.root && *row.root != before.root)
    throw Fault(fmt::format("{}: it is in {}, and stays there", what, before.root));
  const VendorZone changed = change_vendor(
      sql_, actor_, row.name, {.client = row.client, .sink = row.sink, .throttle = row.throttle, .note = row.note});
  const VendorZone after = lead_to(changed, row.state.value_or(before.state));
  return json_of(after, "") == json_of(before, "") ? Outcome::same : Outcome::changed;
}

VendorZone Applier::lead_to(const VendorZone& vendor, VendorState state) {
  const auto steps = steps_between(vendor.state, state);
  if (!steps)
    throw Fault(fmt::format("vendor zone '{}': it is {}, from which no steps lead to {}", vendor.name,
                            name_of(vendor.state), name_of(state)));
  VendorZone after = vendor;
  for (const VendorStep step : *steps) after = step_vendor(sql_, actor_, vendor.name, step);
  return after;
}

void Applier::remove_vendors() {
  for (const auto& [name, vendor] : vendors_)
    remove_one(Kind::vendors, name, [&, &each = vendor] {
      lead_to(each, state_to_leave_by(each.state));
      remove_vendor(sql_, actor_, each.name);
    });
}

void Applier::remove_tree() {
  std::vector<TreeZone> zones = list_tree(sql_);
  std::map<std::string, std::string> parents;
  for (const TreeZone& zone : zones) parents[zone.name] = zone.parent;
  // From the bottom.
  std::ranges::stable_sort(zones, std::greater(), [&](const TreeZone& zone) { return depth_of(zone.name, parents); });
  for (const TreeZone& zone : zones)
    remove_one(Kind::tree, zone.name, [&] { remove_tree_zone(sql_, actor_, zone.name); });
}

void Applier::remove_roots() {
  for (const auto& [origin, root] : roots_)
    remove_one(Kind::roots, origin, [&, &each = root] { remove_root(sql_, actor_, each.origin); });
}

} // namespace anytick::registry::transfer
