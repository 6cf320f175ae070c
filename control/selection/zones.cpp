#include "control/selection/zones.h"

#include <map>

#include "control/dns_text.h"
#include "control/geodns_json.h"
#include "control/json_source.h"
#include "control/selection/vendor_labels.h"

namespace anytick::selection {
namespace {

using control::Findings;
using nlohmann::json;
using nlohmann::ordered_json;

constexpr const char* family_types[]{"a", "aaaa"};

/// "us" and "0.us", or "" and "0" for the root of the tree.
std::string label_of(const std::string& zone) {
  return zone == "@" ? "" : zone;
}
std::string numbered(size_t part, const std::string& label) {
  return std::to_string(part) + (label.empty() ? "" : "." + label);
}

/// Gathers a root's labels: what the selection and the registry make of it, then what its operator adds.
class DocumentBuilder {
 public:
  DocumentBuilder(const registry::DnsRoot& root, const registry::Snapshot& snapshot, const Selection& selection,
                  const Policy& policy, Findings& findings)
      : root_(root), snapshot_(snapshot), selection_(selection), policy_(policy), findings_(findings) {}

  ordered_json build(uint32_t serial) {
    add_tree();
    add_other_names();
    add_vendors();
    add_apex();
    add_static();
    ordered_json document{{"serial", serial}, {"ttl", root_.ttl}, {"max_hosts", root_.max_hosts}};
    if (!root_.contact.empty()) document["contact"] = root_.contact;
    document["targeting"] = "@ country continent";
    // Labels are distinct: its own insertion would look through all before it.
    ordered_json::object_t data;
    auto& list = static_cast<ordered_json::object_t::Container&>(data);
    list.reserve(labels_.size());
    for (auto& [name, label] : labels_) list.emplace_back(name, std::move(label));
    document["data"] = std::move(data);
    return document;
  }

 private:
  /// `where` is a path in the root's file.
  void fault(const std::string& where, const std::string& reason) { findings_.fault(where, reason); }

  /// A label that nobody has yet, or null and a fault.
  ordered_json* add(const std::string& name, const std::string& owner) {
    const auto [at, fresh] = labels_.try_emplace(name, ordered_json::object());
    if (fresh) {
      owners_.emplace(name, owner);
      return &at->second;
    }
    fault("data/" + name, owner + " would have the label of " + owners_.at(name));
    return nullptr;
  }

  /// All zones have their names, with or without servers: they exist, and clients there are sent to the continent's.
  void add_tree() {
    for (const registry::TreeZone& zone : snapshot_.tree) {
      const std::string label = label_of(zone.name);
      add(label, "zone " + zone.name);
      for (size_t part = 0; part < parts; ++part) add(numbered(part, label), "zone " + zone.name);
    }
    for (const ZoneServers& zone : selection_.zones) add_servers(zone);
  }

  void add_servers(const ZoneServers& zone) {
    const std::string label = label_of(zone.zone);
    // A selection of another state of the tree than the registry's.
    if (!labels_.contains(label)) return fault("data/" + label, "servers for a zone that is not in the tree");
    const bool ipv4 = zone.family == geo::Family::ipv4;
    const char* type = family_types[ipv4 ? 0 : 1];
    ordered_json::array_t all;
    std::array<ordered_json::array_t, parts> split;
    all.reserve(zone.members.size());
    for (const Member& member : zone.members) {
      all.push_back(ordered_json::array_t{geo::to_text(member.address), member.weight});
      if (zone.split) split[member.part].push_back(all.back());
    }
    for (size_t part = 0; part < parts; ++part) {
      constexpr size_t ipv6_part = 2;
      if (!ipv4 && !policy_.ipv6_everywhere && part != ipv6_part) continue;
      labels_[numbered(part, label)][type] = zone.split ? std::move(split[part]) : all;
    }
    labels_[label][type] = std::move(all);
  }

  /// The United Kingdom is uk in the pool and gb in ISO 3166 and in databases of where addresses are.
  void add_other_names() {
    if (!labels_.contains("uk") || labels_.contains("gb")) return;
    (*add("gb", "gb for uk"))["alias"] = "uk";
    for (size_t part = 0; part < parts; ++part)
      if (ordered_json* label = add(numbered(part, "gb"), "gb for uk")) (*label)["alias"] = numbered(part, "uk");
  }

  void add_vendors() {
    for (const registry::VendorZone& vendor : snapshot_.vendors) {
      if (vendor.root != root_.origin || !is_published(vendor)) continue;
      // Whatever its clients ask, its name is not to mean two things.
      if (labels_.contains(vendor.name)) {
        fault("data/" + vendor.name,
              "vendor zone " + vendor.name + " would have the label of " + owners_.at(vendor.name));
        continue;
      }
      if (vendor.state == registry::VendorState::suspended && vendor.sink == registry::VendorSink::sink &&
          policy_.sink.empty())
        findings_.warn("data/" + vendor.name,
                       "vendor zone " + vendor.name + " is to get the sink, which has no addresses: it gets none");
      for (auto& [name, value] : vendor_labels(vendor, policy_))
        if (ordered_json* label = add(name, "vendor zone " + vendor.name)) *label = std::move(value);
    }
  }

  void add_apex() {
    owners_.try_emplace("", "the root itself");
    ordered_json& apex = labels_.try_emplace("", ordered_json::object()).first->second;
    for (const std::string& server : root_.name_servers)
      apex["ns"].push_back(server.ends_with('.') ? server : server + ".");
  }

  /// What the operator states beside the pool. The apex is both's, each type that of one.
  void add_static() {
    if (root_.static_data.empty()) return;
    Findings inside(root_.origin);
    const auto data = control::parse_json(root_.static_data, inside);
    for (const control::Finding& finding : inside.all())
      fault("static_data" + (finding.where.empty() ? "" : "/" + finding.where), finding.reason);
    if (!data) return;
    if (!data->is_object()) return fault("static_data", "not an object of labels: " + control::shown(*data));
    for (const auto& [key, value] : data->items()) {
      const std::string name = control::lower_case(key);
      if (name.empty() && value.is_object())
        add_to_apex(value);
      else if (ordered_json* label = add(name, "static_data/" + key))
        *label = value;
    }
  }

  void add_to_apex(const json& value) {
    ordered_json& apex = labels_[""];
    for (const auto& [type, records] : value.items()) {
      if (apex.contains(type) || type == "a" || type == "aaaa" || type == "alias" || type == "cname")
        fault("static_data//" + type, "the apex has the pool's servers and the root's name servers");
      else
        apex[type] = records;
    }
  }

  const registry::DnsRoot& root_;
  const registry::Snapshot& snapshot_;
  const Selection& selection_;
  const Policy& policy_;
  Findings& findings_;
  std::map<std::string, ordered_json> labels_;
  std::map<std::string, std::string> owners_; ///< by label, for messages
};

/// Under the root's name.
void hand_on(const std::string& origin, const Findings& from, Findings& to) {
  for (const control::Finding& finding : from.all()) {
    const std::string where = origin + (finding.where.empty() ? "" : "/" + finding.where);
    if (finding.severity == control::Severity::fault)
      to.fault(where, finding.reason);
    else
      to.warn(where, finding.reason);
  }
}

} // namespace

ordered_json geodns_document(const registry::DnsRoot& root, const registry::Snapshot& snapshot,
                             const Selection& selection, const Policy& policy, uint32_t serial) {
  Findings unheard(root.origin);
  return DocumentBuilder(root, snapshot, selection, policy, unheard).build(serial);
}

std::vector<control::Zone> make_zones(const registry::Snapshot& snapshot, const Selection& selection,
                                      const Policy& policy, uint32_t serial, Findings& findings) {
  std::vector<control::Zone> zones;
  for (const registry::DnsRoot& root : snapshot.roots) {
    const std::string file = root.origin + ".json";
    Findings inside(file);
    const ordered_json document = DocumentBuilder(root, snapshot, selection, policy, inside).build(serial);
    auto zone = control::read_geodns_zone(file, document.dump(), serial, inside);
    hand_on(root.origin, inside, findings);
    if (zone) zones.push_back(*std::move(zone));
  }
  return zones;
}

} // namespace anytick::selection
