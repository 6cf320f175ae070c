#include "control/geodns_json.h"

#include <sys/stat.h>

#include <algorithm>
#include <unordered_map>

#include "control/command.h"
#include "control/dns_text.h"
#include "control/geodns_records.h"
#include "control/json_source.h"
#include "control/targeting.h"
#include "control/zone_check.h"
#include "dataplane/core/dns.h"
#include "dataplane/core/draw.h"
#include "dataplane/core/zone_image.h"

namespace anytick::control {
namespace {

namespace dns = core::dns;
using nlohmann::json;

constexpr uint32_t default_ttl = 120;
constexpr uint32_t default_max_hosts = 2;
constexpr uint32_t ns_ttl = 86400;
constexpr uint32_t soa_ttl_max = 3600;
constexpr uint64_t ttl_max = INT32_MAX; // RFC 2181 8

class ZoneReader {
 public:
  ZoneReader(std::string file, Findings& findings) : findings_(findings) { zone_.file = std::move(file); }

  std::optional<Zone> read(std::string_view text, uint32_t modified);

 private:
  void read_origin();
  void read_options(const json& top);
  void read_data(const json& data);
  ZoneLabel* add_label(const std::string& key, const JsonPath& where);
  void read_label(ZoneLabel& label, const json& value, const JsonPath& where);
  void read_key(ZoneLabel& label, const std::string& key, const json& value, const JsonPath& where, uint32_t ttl);
  void read_alias(ZoneLabel& label, const json& value, const JsonPath& where);
  void read_ns(ZoneLabel& label, const json& value, const JsonPath& where);
  void add_glue();
  void add_soa();

  std::optional<uint32_t> integer(const json& object, const char* key, const JsonPath& where, uint64_t min,
                                  uint64_t max);
  std::optional<uint32_t> max_hosts(const json& object, const JsonPath& where);
  std::string contact(const json& top);

  Findings& findings_;
  Zone zone_;
  uint32_t ttl_ = default_ttl;
  uint32_t max_hosts_ = default_max_hosts;
  std::string contact_;                              ///< wire format
  std::string primary_;                              ///< of the SOA, wire format; empty without name servers
  std::vector<NameServer> servers_;                  ///< of the zone and of all delegations
  std::unordered_map<std::string, size_t> label_at_; ///< by name, into zone_.labels
};

std::optional<Zone> ZoneReader::read(std::string_view text, uint32_t modified) {
  read_origin();
  const auto top = parse_json(text, findings_);
  if (!top) return {};
  if (!top->is_object()) {
    findings_.fault("", "not a JSON object");
    return {};
  }
  zone_.serial = modified;
  read_options(*top);
  const auto data = top->find("data");
  if (data == top->end())
    findings_.fault("", "needs \"data\"");
  else if (!data->is_object())
    findings_.fault("data", "not an object");
  else
    read_data(*data);
  add_soa();
  std::sort(zone_.labels.begin(), zone_.labels.end(),
            [](const ZoneLabel& a, const ZoneLabel& b) { return a.name < b.name; });
  check_zone(zone_, findings_);
  if (findings_.faults() > 0) return {};
  return std::move(zone_);
}

void ZoneReader::read_origin() {
  constexpr std::string_view suffix = ".json";
  std::string name = zone_.file.substr(zone_.file.rfind('/') + 1);
  if (name.ends_with(suffix))
    name.resize(name.size() - suffix.size());
  else
    findings_.fault("", "a zone's file is named ORIGIN.json");
  if (name.ends_with('.')) name.pop_back();
  const auto origin = parse_name(name, root_name);
  if (!origin) findings_.fault("", "\"" + name + "\" is not a zone's name: " + origin.refusal().reason);
  // Some origin, so that the rest of the file can be looked at.
  zone_.origin = origin ? *origin : *parse_name("invalid.", root_name);
}

std::optional<uint32_t> ZoneReader::integer(const json& object, const char* key, const JsonPath& where, uint64_t min,
                                            uint64_t max) {
  const auto value = object.find(key);
  if (value == object.end()) return {};
  const auto number = read_integer(*value, JsonPath(where, key), min, max, findings_);
  if (!number) return {};
  return static_cast<uint32_t>(*number);
}

std::optional<uint32_t> ZoneReader::max_hosts(const json& object, const JsonPath& where) {
  const auto stated = integer(object, "max_hosts", where, 1, UINT16_MAX);
  if (!stated || *stated <= core::draw_records_max) return stated;
  findings_.warn(JsonPath(where, "max_hosts").text(),
                 "an answer draws " + std::to_string(core::draw_records_max) + " records at most");
  return core::draw_records_max;
}

std::string ZoneReader::contact(const json& top) {
  const auto stated = top.find("contact");
  std::string fallback = "\x0ahostmaster";
  fallback += zone_.origin;
  if (stated == top.end()) return fallback;
  if (!stated->is_string()) {
    findings_.fault("contact", shown(*stated) + " is not a string");
    return fallback;
  }
  // As a mail address, or with its "@" written as a dot (RFC 1035 8). GeoDNS takes it as absolute.
  const std::string& text = stated->get_ref<const std::string&>();
  const size_t at = text.find('@');
  const std::string local = at == text.npos ? "" : text.substr(0, at);
  const auto domain = parse_name(at == text.npos ? text : text.substr(at + 1), root_name);
  const bool good = domain && local.size() <= dns::label_max && (at == text.npos || !local.empty());
  std::string name;
  if (!local.empty()) name += static_cast<char>(local.size());
  name += local;
  if (good && name.size() + domain->size() <= dns::name_max) return name + *domain;
  findings_.fault("contact", shown(*stated) + " is neither a mail address nor a name");
  return fallback;
}

void ZoneReader::read_options(const json& top) {
  const JsonPath root;
  ttl_ = integer(top, "ttl", root, 0, ttl_max).value_or(ttl_);
  max_hosts_ = max_hosts(top, root).value_or(max_hosts_);
  zone_.serial = integer(top, "serial", root, 0, UINT32_MAX).value_or(zone_.serial);
  contact_ = contact(top);
  zone_.targeting = core::target_country | core::target_continent;
  for (const auto& [key, value] : top.items()) {
    if (key == "targeting") {
      if (value.is_string())
        zone_.targeting = parse_targeting(value.get_ref<const std::string&>(), key, findings_);
      else
        findings_.fault(key, shown(value) + " is not a string");
    } else if (key == "closest") {
      if (value != false) findings_.warn(key, "ignored: distances are not known");
    } else if (key == "logging") {
      findings_.warn(key, "ignored");
    } else if (key != "ttl" && key != "max_hosts" && key != "serial" && key != "contact" && key != "data") {
      findings_.warn(key, "ignored: unknown key");
    }
  }
}

void ZoneReader::read_data(const json& data) {
  const JsonPath root;
  const JsonPath where(root, "data");
  zone_.labels.reserve(data.size());
  for (const auto& [key, value] : data.items()) {
    const JsonPath at(where, key);
    ZoneLabel* label = add_label(key, at);
    if (label == nullptr) continue;
    if (value.is_object())
      read_label(*label, value, at);
    else
      findings_.fault(at.text(), "not an object");
  }
  add_glue();
}

ZoneLabel* ZoneReader::add_label(const std::string& key, const JsonPath& where) {
  const std::string name = lower_case(key);
  const auto refuse = [&](const std::string& reason) {
    findings_.fault(where.text(), reason);
    return nullptr;
  };
  if (name.ends_with('.')) return refuse("labels are relative to the origin, without a trailing dot");
  // "0.[192.0.2.1]" is no name, but a target by address: check_zone() looks at those.
  const bool is_name = !name.empty() && !name.ends_with(']');
  if (const auto wire = parse_name(name, zone_.origin); is_name && !wire) return refuse(wire.refusal().reason);
  const auto [at, fresh] = label_at_.emplace(name, zone_.labels.size());
  if (!fresh) return refuse("the same label as data/" + zone_.labels[at->second].key);
  ZoneLabel& label = zone_.labels.emplace_back();
  label.key = key;
  label.name = name;
  label.max_hosts = max_hosts_;
  return &label;
}

void ZoneReader::read_label(ZoneLabel& label, const json& value, const JsonPath& where) {
  const uint32_t ttl = integer(value, "ttl", where, 0, ttl_max).value_or(ttl_);
  label.max_hosts = max_hosts(value, where).value_or(max_hosts_);
  for (const auto& [key, each] : value.items()) read_key(label, key, each, JsonPath(where, key), ttl);
  std::sort(label.sets.begin(), label.sets.end(),
            [](const RecordSet& a, const RecordSet& b) { return a.type < b.type; });
}

void ZoneReader::read_key(ZoneLabel& label, const std::string& key, const json& value, const JsonPath& where,
                          uint32_t ttl) {
  if (key == "ttl" || key == "max_hosts") return;
  if (key == "alias") return read_alias(label, value, where);
  if (key == "ns") return read_ns(label, value, where);
  if (const auto type = record_type(key)) {
    std::vector<ZoneRecord> records = read_records(*type, value, where, zone_.origin, findings_);
    if (!records.empty()) label.sets.push_back({*type, ttl, std::move(records)});
  } else if (key == "closest") {
    if (value != false) findings_.warn(where.text(), "ignored: distances are not known");
  } else if (key == "health") {
    findings_.warn(where.text(), "ignored: health checks are not made");
  } else {
    findings_.warn(where.text(), "ignored: unknown type");
  }
}

void ZoneReader::read_alias(ZoneLabel& label, const json& value, const JsonPath& where) {
  const json& text = value.is_array() && value.size() == 1 ? value[0] : value;
  if (text.is_string())
    label.alias = lower_case(text.get_ref<const std::string&>());
  else if (!text.is_null())
    findings_.fault(where.text(), shown(value) + " is not a label");
}

void ZoneReader::read_ns(ZoneLabel& label, const json& value, const JsonPath& where) {
  if (label.name.ends_with(']')) return findings_.fault(where.text(), "a delegation is the same for all clients");
  const std::vector<NameServer> servers = read_name_servers(value, where, zone_.origin, findings_);
  if (label.name.empty() && !servers.empty()) primary_ = servers[0].name;
  servers_.insert(servers_.end(), servers.begin(), servers.end());
  RecordSet set{dns::NS, ns_ttl, {}};
  for (const NameServer& server : servers) set.records.push_back({server.name, {}});
  if (!set.records.empty()) label.sets.push_back(std::move(set));
}

/// Addresses beside a name server belong to its label, if that is ours and states none itself.
void ZoneReader::add_glue() {
  for (const NameServer& server : servers_) {
    if (server.glue.empty()) continue;
    const auto inside = relative_text(server.name, zone_.origin);
    if (!inside) {
      findings_.warn(server.where, "glue is ignored: the name is not in this zone");
      continue;
    }
    const std::string& name = *inside;
    const auto [at, fresh] = label_at_.emplace(name, zone_.labels.size());
    if (fresh) zone_.labels.push_back({name, name, {}, max_hosts_, {}});
    ZoneLabel& label = zone_.labels[at->second];
    for (const uint16_t type : {dns::A, dns::AAAA}) {
      RecordSet set{type, ttl_, {}};
      for (const std::string& rdata : server.glue)
        if (rdata.size() == (type == dns::A ? 4 : 16)) set.records.push_back({rdata, {}});
      if (set.records.empty()) continue;
      if (label.find(type) != nullptr)
        findings_.warn(server.where, "glue is ignored: the label has addresses of its own");
      else
        label.sets.push_back(std::move(set));
    }
    std::sort(label.sets.begin(), label.sets.end(),
              [](const RecordSet& a, const RecordSet& b) { return a.type < b.type; });
  }
}

void ZoneReader::add_soa() {
  constexpr uint32_t refresh = 5400, retry = 5400, expire = 1209600, minimum = 3600;
  std::string rdata = (primary_.empty() ? zone_.origin : primary_) + contact_;
  for (const uint32_t field : {zone_.serial, refresh, retry, expire, minimum}) append_big(rdata, field);
  const uint64_t ttl = std::min<uint64_t>(uint64_t{10} * ttl_, soa_ttl_max);
  zone_.soa = {dns::SOA, static_cast<uint32_t>(ttl), {{rdata, {}}}};
}

} // namespace

std::optional<Zone> read_geodns_zone(const std::string& file, std::string_view text, uint32_t modified,
                                     Findings& findings) {
  return ZoneReader(file, findings).read(text, modified);
}

std::optional<Zone> read_geodns_file(const std::string& path, Findings& findings) {
  const std::vector<std::byte> bytes = read_file(path);
  struct stat status {};
  const int64_t modified = ::stat(path.c_str(), &status) == 0 ? status.st_mtime : 0;
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return read_geodns_zone(path, text, static_cast<uint32_t>(modified), findings);
}

} // namespace anytick::control
