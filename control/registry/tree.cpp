#include "control/registry/tree.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "control/dns_text.h"
#include "control/registry/audit.h"
#include "control/registry/checks.h"
#include "control/registry/json.h"
#include "control/registry/labels.h"
#include "control/registry/names.h"
#include "control/registry/query.h"
#include "control/registry/roots.h"
#include "control/registry/vendors.h"
#include "geo/location.h"

namespace anytick::registry {
namespace {

constexpr std::string_view top = "@";

std::string checked_zone_name(const std::string& text) {
  const std::string name = tree_name(text);
  if (name != top && !is_label(name))
    throw Fault(fmt::format("zone '{}': a name is a label of a-z, 0-9 and hyphens", text));
  if (name.size() == 1 && name[0] >= '0' && name[0] <= '3')
    throw Fault("zone '" + name + "': 0 to 3 are parts of every zone");
  return name;
}

/// Nobody else has a label like these.
void require_free(soci::session& sql, const std::set<std::string>& names) {
  for (const VendorZone& vendor : list_vendors(sql))
    if (names.contains(vendor.name)) throw Fault("zone '" + vendor.name + "': there is a vendor zone of this name");
  for (const DnsRoot& root : list_roots(sql))
    for (const std::string& label : own_labels(root))
      if (names.contains(label))
        throw Fault(fmt::format("zone '{}': root {} has a label of this name in its static data", label, root.origin));
}

store::Nullable<std::string> parent_column(const TreeZone& zone) {
  return store::Nullable<std::string>(zone.parent.empty() ? std::nullopt : std::optional(zone.parent));
}

void insert(soci::session& sql, const TreeZone& zone) {
  store::Nullable<std::string> parent = parent_column(zone);
  sql << "INSERT INTO tree (name, parent, description) VALUES (:name, :parent, :description)", soci::use(zone.name),
      soci::use(parent.value(), parent.state()), soci::use(zone.description);
}

const TreeZone* find(const std::vector<TreeZone>& tree, const std::string& name) {
  const auto found = std::ranges::find(tree, name, &TreeZone::name);
  return found == tree.end() ? nullptr : &*found;
}

const TreeZone& get(const std::vector<TreeZone>& tree, const std::string& name) {
  const TreeZone* found = find(tree, name);
  if (found == nullptr) throw Fault("there is no zone '" + name + "'");
  return *found;
}

/// The top has no parent, all others have one that is there.
void require_parent(const std::vector<TreeZone>& tree, const TreeZone& zone) {
  const bool is_top = zone.name == top;
  if (is_top && !zone.parent.empty()) throw Fault("zone '@' is above all others");
  if (!is_top && zone.parent.empty()) throw Fault("zone '" + zone.name + "': needs a zone above it");
  if (!is_top) get(tree, zone.parent);
}

int64_t count(soci::session& sql, const std::string& select, const std::string& name) {
  int64_t rows = 0;
  sql << select, soci::use(name), soci::into(rows);
  return rows;
}

} // namespace

std::vector<TreeZone> default_tree() {
  std::vector<TreeZone> tree{{std::string(top), "", "all servers"}};
  for (size_t i = 1; i < geo::continent_count; ++i)
    tree.push_back({std::string(geo::continent_name(static_cast<geo::Continent>(i))), std::string(top), "continent"});
  for (char first = 'a'; first <= 'z'; ++first) {
    for (char second = 'a'; second <= 'z'; ++second) {
      const std::string code{first, second};
      const geo::Continent continent = geo::continent_of(code);
      if (continent != geo::Continent::unknown)
        tree.push_back({tree_name(code), std::string(geo::continent_name(continent)), "country"});
    }
  }
  std::ranges::sort(tree.begin() + geo::continent_count, tree.end(), {}, &TreeZone::name);
  return tree;
}

size_t add_default_tree(soci::session& sql, const Actor& actor) {
  const std::vector<TreeZone> before = list_tree(sql);
  std::vector<TreeZone> fresh;
  std::set<std::string> names;
  for (TreeZone& zone : default_tree())
    if (find(before, zone.name) == nullptr && names.insert(zone.name).second) fresh.push_back(std::move(zone));
  if (fresh.empty()) return 0;
  require_free(sql, names);
  for (const TreeZone& zone : fresh) insert(sql, zone);
  const nlohmann::ordered_json added{{"zones", names}};
  record(sql, actor, "tree", std::string(top), "default", nullptr, added);
  return fresh.size();
}

void add_tree_zone(soci::session& sql, const Actor& actor, const TreeZone& zone) {
  constexpr size_t description_max = 200;
  const TreeZone kept{checked_zone_name(zone.name), zone.parent.empty() ? "" : tree_name(zone.parent),
                      zone.description};
  check_text("zone '" + kept.name + "': description", kept.description, description_max);
  const std::vector<TreeZone> tree = list_tree(sql);
  if (find(tree, kept.name) != nullptr) throw Fault("zone '" + kept.name + "': there is one of this name");
  require_parent(tree, kept);
  require_free(sql, {kept.name});
  insert(sql, kept);
  record(sql, actor, "tree", kept.name, "add", nullptr, json_of(kept));
}

void change_tree_zone(soci::session& sql, const Actor& actor, const std::string& text, const TreeZoneChanges& changes) {
  constexpr size_t description_max = 200;
  const std::vector<TreeZone> tree = list_tree(sql);
  const TreeZone& before = get(tree, tree_name(text));
  TreeZone after = before;
  if (changes.parent) after.parent = tree_name(*changes.parent);
  if (changes.description) after.description = *changes.description;
  check_text("zone '" + after.name + "': description", after.description, description_max);
  require_parent(tree, after);
  if (with_those_below(tree, after.name).contains(after.parent))
    throw Fault(fmt::format("zone '{}': '{}' is in it, and cannot be above it", after.name, after.parent));
  store::Nullable<std::string> parent = parent_column(after);
  sql << "UPDATE tree SET parent = :parent, description = :description WHERE name = :name",
      soci::use(parent.value(), parent.state()), soci::use(after.description), soci::use(after.name);
  record(sql, actor, "tree", after.name, "set", json_of(before), json_of(after));
}

void remove_tree_zone(soci::session& sql, const Actor& actor, const std::string& text) {
  const std::vector<TreeZone> tree = list_tree(sql);
  const TreeZone& zone = get(tree, tree_name(text));
  const auto refuse_if = [&](const std::string& select, const char* what) {
    const int64_t rows = count(sql, select, zone.name);
    if (rows > 0) throw Fault(fmt::format("zone '{}': {} {} in it", zone.name, rows, what));
  };
  refuse_if("SELECT COUNT(*) FROM tree WHERE parent = :zone", "zones are");
  refuse_if("SELECT COUNT(*) FROM server_zones WHERE zone = :zone", "servers are");
  refuse_if("SELECT COUNT(*) FROM zone_netspeeds WHERE zone = :zone", "servers have a netspeed of their own");
  sql << "DELETE FROM tree WHERE name = :zone", soci::use(zone.name);
  record(sql, actor, "tree", zone.name, "remove", json_of(zone), nullptr);
}

std::vector<TreeZone> list_tree(soci::session& sql) {
  TreeZone row;
  store::Nullable<std::string> parent;
  Query select(sql);
  select.into(row.name, parent, row.description).run("SELECT name, parent, description FROM tree", "");
  std::vector<TreeZone> tree;
  while (select.fetch()) {
    row.parent = parent.get().value_or("");
    tree.push_back(row);
  }
  // Collations differ.
  std::ranges::sort(tree, {}, &TreeZone::name);
  return tree;
}

std::string tree_name(std::string_view text) {
  const std::string name = control::lower_case(text);
  return name == united_kingdom_iso ? std::string(united_kingdom) : name;
}

std::set<std::string> with_those_above(const std::vector<TreeZone>& tree, const std::vector<std::string>& zones) {
  std::set<std::string> names;
  for (const std::string& zone : zones) {
    const TreeZone* each = find(tree, zone);
    while (each != nullptr && names.insert(each->name).second) each = find(tree, each->parent);
  }
  return names;
}

std::set<std::string> with_those_below(const std::vector<TreeZone>& tree, const std::string& zone) {
  std::multimap<std::string, std::string> below;
  for (const TreeZone& each : tree) below.emplace(each.parent, each.name);
  std::set<std::string> names{zone};
  std::vector<std::string> open{zone};
  while (!open.empty()) {
    const auto [begin, end] = below.equal_range(open.back());
    open.pop_back();
    for (auto each = begin; each != end; ++each)
      if (names.insert(each->second).second) open.push_back(each->second);
  }
  return names;
}

} // namespace anytick::registry
