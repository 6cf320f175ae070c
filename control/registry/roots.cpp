#include "control/registry/roots.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "control/dns_text.h"
#include "control/geodns_json.h"
#include "control/json_source.h"
#include "control/registry/audit.h"
#include "control/registry/checks.h"
#include "control/registry/json.h"
#include "control/registry/labels.h"
#include "control/registry/names.h"
#include "control/registry/query.h"
#include "control/registry/tree.h"
#include "control/registry/vendors.h"

namespace anytick::registry {
namespace {

using control::Findings;
using nlohmann::json;

/// What is the pool's at the apex.
constexpr std::array apex_keys{"a", "aaaa", "alias", "cname", "ns"};

constexpr size_t name_servers_max = 13;

void check_own_labels(soci::session& sql, const DnsRoot& root, const json& data, Findings& findings) {
  std::map<std::string, std::string> taken;
  for (const TreeZone& zone : list_tree(sql)) taken[zone.name] = "a zone of servers";
  if (taken.contains(std::string(united_kingdom))) taken[std::string(united_kingdom_iso)] = "an alias of zone uk";
  for (const VendorZone& vendor : list_vendors(sql))
    if (vendor.root == root.origin) taken[vendor.name] = "a vendor zone";
  for (const auto& [key, value] : data.items()) {
    const std::string label = control::lower_case(key);
    const std::string where = "data/" + key;
    const auto found = taken.find(std::string(without_part(label)));
    if (found != taken.end()) findings.fault(where, "the pool makes this label: it is " + found->second);
    if (label.size() == 1 && label[0] >= '0' && label[0] <= '3')
      findings.fault(where, "the pool makes this label: it is a part of it");
    if (!label.empty() || !value.is_object()) continue;
    for (const char* each : apex_keys)
      if (value.contains(each)) findings.fault(where + "/" + each, "at the apex these are the pool's");
  }
}

/// With labels that stand for all that the pool makes.
json document_of(soci::session& sql, const DnsRoot& root, json data) {
  const json servers = {{"a", json::array({"192.0.2.1"})}};
  const auto add = [&](const std::string& zone) {
    const std::string below = zone.empty() ? "" : "." + zone;
    if (!zone.empty()) data[zone] = servers;
    for (const char* part : {"0", "1", "2", "3"}) data[part + below] = servers;
  };
  add("");
  for (const TreeZone& zone : list_tree(sql))
    if (zone.name != "@") add(zone.name);
  if (data.contains(united_kingdom)) add(std::string(united_kingdom_iso));
  for (const VendorZone& vendor : list_vendors(sql))
    if (vendor.root == root.origin) add(vendor.name);
  if (!data.contains("")) data[""] = json::object();
  json& apex = data[""];
  if (apex.is_object()) {
    apex["a"] = servers["a"];
    apex["ns"] = json::array();
    for (const std::string& name : root.name_servers) apex["ns"].push_back(name + ".");
  }
  return {{"serial", 1},
          {"ttl", root.ttl},
          {"max_hosts", root.max_hosts},
          {"contact", root.contact},
          {"data", std::move(data)}};
}

DnsRoot checked_values(const DnsRoot& root) {
  DnsRoot kept = root;
  kept.origin = checked_host("root", root.origin);
  const std::string what = "root " + kept.origin;
  kept.contact = control::lower_case(root.contact.empty() ? "hostmaster." + kept.origin : root.contact);
  if (kept.contact.ends_with('.')) kept.contact.pop_back();
  for (std::string& name : kept.name_servers) name = checked_host(what + ": name server", name);
  const std::set<std::string> distinct(kept.name_servers.begin(), kept.name_servers.end());
  if (distinct.empty() || distinct.size() > name_servers_max || distinct.size() < kept.name_servers.size())
    throw Fault(fmt::format("{}: it has 1 to {} distinct name servers", what, name_servers_max));
  if (kept.ttl < root_ttl_min || kept.ttl > root_ttl_max)
    throw Fault(fmt::format("{}: a TTL of {} is not in {} to {} seconds", what, kept.ttl, root_ttl_min, root_ttl_max));
  if (kept.max_hosts < 1 || kept.max_hosts > root_max_hosts_max)
    throw Fault(fmt::format("{}: an answer has 1 to {} servers, not {}", what, root_max_hosts_max, kept.max_hosts));
  if (kept.static_data.empty()) kept.static_data = "{}";
  return kept;
}

DnsRoot checked(soci::session& sql, const DnsRoot& root) {
  DnsRoot kept = checked_values(root);
  const Findings findings = check_root(sql, kept);
  std::string faults;
  for (const control::Finding& each : findings.all())
    if (each.severity == control::Severity::fault) faults += (faults.empty() ? "" : "\n") + each.text();
  if (!faults.empty()) throw Fault(faults);
  kept.static_data = json::parse(kept.static_data).dump();
  return kept;
}

void write_name_servers(soci::session& sql, const DnsRoot& root) {
  sql << "DELETE FROM root_name_servers WHERE origin = :origin", soci::use(root.origin);
  int64_t place = 0;
  for (const std::string& name : root.name_servers) {
    ++place;
    sql << "INSERT INTO root_name_servers (origin, place, name) VALUES (:origin, :place, :name)",
        soci::use(root.origin), soci::use(place), soci::use(name);
  }
}

std::vector<DnsRoot> read_roots(soci::session& sql, const std::optional<std::string>& origin) {
  DnsRoot row;
  int64_t ttl = 0, max_hosts = 0;
  Query select(sql);
  select.into(row.origin, row.contact, ttl, max_hosts, row.static_data);
  if (origin) select.where("origin = :origin", *origin);
  select.run("SELECT origin, contact, ttl, max_hosts, static_data FROM roots", "");
  std::vector<DnsRoot> roots;
  while (select.fetch()) {
    row.ttl = static_cast<uint32_t>(ttl);
    row.max_hosts = static_cast<uint32_t>(max_hosts);
    roots.push_back(row);
  }
  for (DnsRoot& root : roots) {
    std::string name;
    Query names(sql);
    names.into(name).where("origin = :origin", root.origin);
    names.run("SELECT name FROM root_name_servers", "ORDER BY place");
    while (names.fetch()) root.name_servers.push_back(name);
  }
  std::ranges::sort(roots, {}, &DnsRoot::origin);
  return roots;
}

} // namespace

std::string origin_of(std::string_view text) {
  std::string origin = control::lower_case(text);
  if (origin.ends_with('.')) origin.pop_back();
  return origin;
}

Findings check_root(soci::session& sql, const DnsRoot& root) {
  Findings findings("root " + root.origin);
  const std::optional<json> data = control::parse_json(root.static_data, findings);
  if (!data) return findings;
  if (!data->is_object()) {
    findings.fault("", "static data is not a JSON object of labels");
    return findings;
  }
  check_own_labels(sql, root, *data, findings);
  control::read_geodns_zone(root.origin + ".json", document_of(sql, root, *data).dump(), 1, findings);
  return findings;
}

DnsRoot add_root(soci::session& sql, const Actor& actor, const DnsRoot& fresh) {
  if (find_root(sql, fresh.origin)) throw Fault("root " + origin_of(fresh.origin) + ": it is there already");
  DnsRoot root = checked(sql, fresh);
  const int64_t ttl = root.ttl, max_hosts = root.max_hosts;
  sql << "INSERT INTO roots (origin, contact, ttl, max_hosts, static_data) VALUES (:origin, :contact, :ttl, "
         ":max_hosts, :static_data)",
      soci::use(root.origin), soci::use(root.contact), soci::use(ttl), soci::use(max_hosts),
      soci::use(root.static_data);
  write_name_servers(sql, root);
  record(sql, actor, "root", root.origin, "add", nullptr, json_of(root));
  return root;
}

DnsRoot change_root(soci::session& sql, const Actor& actor, const std::string& origin, const RootChanges& changes) {
  const DnsRoot before = get_root(sql, origin);
  DnsRoot after = before;
  after.contact = changes.contact.value_or(before.contact);
  after.name_servers = changes.name_servers.value_or(before.name_servers);
  after.ttl = changes.ttl.value_or(before.ttl);
  after.max_hosts = changes.max_hosts.value_or(before.max_hosts);
  after.static_data = changes.static_data.value_or(before.static_data);
  after = checked(sql, after);
  const auto was = json_of(before), is = json_of(after);
  if (was == is) return after;
  const int64_t ttl = after.ttl, max_hosts = after.max_hosts;
  sql << "UPDATE roots SET contact = :contact, ttl = :ttl, max_hosts = :max_hosts, static_data = :static_data WHERE "
         "origin = :origin",
      soci::use(after.contact), soci::use(ttl), soci::use(max_hosts), soci::use(after.static_data),
      soci::use(after.origin);
  write_name_servers(sql, after);
  record(sql, actor, "root", after.origin, "set", was, is);
  return after;
}

void remove_root(soci::session& sql, const Actor& actor, const std::string& origin) {
  const DnsRoot root = get_root(sql, origin);
  for (const VendorZone& vendor : list_vendors(sql))
    if (vendor.root == root.origin)
      throw Fault(fmt::format("root {}: vendor zone '{}' is in it", root.origin, vendor.name));
  sql << "DELETE FROM roots WHERE origin = :origin", soci::use(root.origin);
  record(sql, actor, "root", root.origin, "remove", json_of(root), nullptr);
}

std::optional<DnsRoot> find_root(soci::session& sql, const std::string& origin) {
  std::vector<DnsRoot> found = read_roots(sql, origin_of(origin));
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

DnsRoot get_root(soci::session& sql, const std::string& origin) {
  if (auto root = find_root(sql, origin)) return std::move(*root);
  throw Fault("there is no root '" + origin + "'");
}

std::vector<DnsRoot> list_roots(soci::session& sql) {
  return read_roots(sql, std::nullopt);
}

} // namespace anytick::registry
