#include "control/assemble.h"

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <map>
#include <string>

#include <fmt/format.h>

#include "control/dns_parse.h"
#include "control/dns_text.h"
#include "control/image_layout.h"
#include "control/json_source.h"
#include "control/targeting.h"
#include "control/text.h"

namespace anytick::control {
namespace {

using nlohmann::json;

/// An object with exactly these keys. Values that are not what they should be are faults, and read as nothing.
class Object {
 public:
  Object(const json& value, const JsonPath& path, std::initializer_list<std::string_view> keys, Findings& findings)
      : value_(value), path_(path), findings_(findings) {
    if (!value.is_object()) {
      findings.fault(path.text(), "not an object: " + shown(value));
      return;
    }
    for (const auto& [key, member] : value.items())
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) fault(key, "no such key");
    for (const std::string_view key : keys)
      if (!value.contains(key)) findings.fault(path.text(), fmt::format("\"{}\" is missing", key));
  }

  template <class T> T number(std::string_view key, T most = std::numeric_limits<T>::max()) const {
    const json* member = find(key);
    if (member == nullptr) return 0;
    if (member->is_number_unsigned() && member->template get<uint64_t>() <= most) return member->template get<T>();
    fault(key, fmt::format("not a number from 0 to {}: {}", most, shown(*member)));
    return 0;
  }
  /// A number below `count`.
  uint32_t index(std::string_view key, size_t count, const char* what) const {
    const json* member = find(key);
    if (member == nullptr) return 0;
    if (member->is_number_unsigned() && member->get<uint64_t>() < count) return member->get<uint32_t>();
    fault(key, fmt::format("no {} has this number: {}", what, shown(*member)));
    return 0;
  }
  std::string text(std::string_view key) const {
    const json* member = find(key);
    if (member == nullptr) return {};
    if (member->is_string()) return member->get<std::string>();
    fault(key, "not a text: " + shown(*member));
    return {};
  }
  const json::array_t& array(std::string_view key) const {
    static const json::array_t none;
    const json* member = find(key);
    if (member == nullptr) return none;
    if (member->is_array()) return member->get_ref<const json::array_t&>();
    fault(key, "not an array: " + shown(*member));
    return none;
  }
  /// What `parse` makes of the text, whose refusals are faults.
  template <class Parse> auto parsed(std::string_view key, Parse parse) const {
    const std::string value = text(key);
    auto result = parse(value);
    if (result) return *std::move(result);
    if (const json* member = find(key); member != nullptr && member->is_string())
      fault(key, reason_of(result) + ": " + shown(*member));
    return typename std::decay_t<decltype(*result)>{};
  }
  void fault(std::string_view key, std::string reason) const {
    findings_.fault(JsonPath(path_, key).text(), std::move(reason));
  }

 private:
  const json* find(std::string_view key) const {
    if (!value_.is_object()) return nullptr;
    const auto found = value_.find(key);
    return found == value_.end() ? nullptr : &*found;
  }
  static std::string reason_of(const Result<std::string>& result) { return result.refusal().reason; }
  template <class T> static std::string reason_of(const std::optional<T>&) { return "unknown"; }

  const json& value_;
  const JsonPath& path_;
  Findings& findings_;
};

std::optional<uint16_t> parse_node_type(std::string_view text) {
  return text == "other" ? uint16_t{0} : parse_type(text);
}

bool is_named(const json& node, const std::string& name) {
  return node.is_object() && node.contains("name") && node["name"] == name;
}

class Assembler {
 public:
  explicit Assembler(Findings& findings) : findings_(findings) {}

  std::optional<Assembled> run(const json& dump) {
    const JsonPath root;
    const Object object(dump, root,
                        {"serial", "format", "created", "bytes", "digest", "targets", "zones", "selectors", "rrsets"},
                        findings_);
    if (object.number<uint32_t>("format") != core::zone_format_version)
      object.fault("format", fmt::format("not {}, which this program writes", core::zone_format_version));
    object.number<uint64_t>("bytes");
    add_targets(object.array("targets"), JsonPath(root, "targets"));
    const auto& rrsets = object.array("rrsets");
    const auto& selectors = object.array("selectors");
    each(rrsets, JsonPath(root, "rrsets"), &Assembler::add_rrset);
    each(selectors, JsonPath(root, "selectors"), &Assembler::add_selector);
    selector_count_ = selectors.size();
    each(object.array("zones"), JsonPath(root, "zones"), &Assembler::add_zone);
    return finish(object);
  }

 private:
  void each(const json::array_t& values, const JsonPath& path, void (Assembler::*add)(const json&, const JsonPath&)) {
    for (size_t i = 0; i < values.size(); ++i) (this->*add)(values[i], JsonPath(path, i));
  }

  void add_targets(const json::array_t& texts, const JsonPath& path) {
    for (size_t i = 0; i < texts.size(); ++i) {
      if (!texts[i].is_string()) {
        findings_.fault(JsonPath(path, i).text(), "not a text: " + shown(texts[i]));
        continue;
      }
      const std::string text = texts[i].get<std::string>();
      if (!targets_.empty() && text <= targets_.rbegin()->first)
        findings_.fault(JsonPath(path, i).text(), "not in order, or twice: " + shown(texts[i]));
      targets_.emplace(text, static_cast<uint32_t>(i));
      parts_.targets.push_back({parts_.bytes(text)});
    }
  }

  void add_rrset(const json& value, const JsonPath& path) {
    const Object object(value, path, {"type", "ttl", "kind", "max_records", "records"}, findings_);
    core::ImageRRset set{};
    set.type = object.parsed("type", parse_type);
    set.ttl = object.number<uint32_t>("ttl");
    set.kind = static_cast<uint16_t>(object.parsed("kind", parse_kind));
    set.max_records = object.number<uint32_t>("max_records");
    const auto& records = object.array("records");
    set.record_count = static_cast<uint32_t>(records.size());
    if (!records.empty()) set.first_record = static_cast<uint32_t>(parts_.records.size());
    const JsonPath all(path, "records");
    for (size_t i = 0; i < records.size(); ++i) {
      const JsonPath at(all, i);
      const Object record(records[i], at, {"data", "weight"}, findings_);
      const std::string rdata =
          record.parsed("data", [&](std::string_view text) { return parse_rdata(set.type, text); });
      parts_.records.push_back({parts_.bytes(rdata), record.number<uint32_t>("weight")});
    }
    parts_.rrsets.push_back(set);
  }

  void add_selector(const json& value, const JsonPath& path) {
    const auto first = static_cast<uint32_t>(parts_.entries.size());
    if (!value.is_array()) return findings_.fault(path.text(), "not an array: " + shown(value));
    for (size_t i = 0; i < value.size(); ++i) {
      const JsonPath at(path, i);
      const bool is_alias = value[i].is_object() && value[i].contains("selector");
      const Object entry(value[i], at, {"target", is_alias ? "selector" : "rrset"}, findings_);
      const uint32_t target = entry.parsed("target", [&](const std::string& text) -> std::optional<uint32_t> {
        const auto found = targets_.find(text);
        return found == targets_.end() ? std::nullopt : std::optional(found->second);
      });
      const uint32_t index = is_alias ? entry.index("selector", parts_.selectors.size(), "selector before this one")
                                      : entry.index("rrset", parts_.rrsets.size(), "RRset");
      parts_.entries.push_back({target, is_alias ? 1u : 0u, index});
    }
    parts_.selectors.push_back({first, static_cast<uint32_t>(value.size())});
  }

  void add_zone(const json& value, const JsonPath& path) {
    const Object object(value, path, {"origin", "serial", "targeting", "soa", "label_depth", "names"}, findings_);
    core::ImageZone zone{};
    zone.first_node = static_cast<uint32_t>(parts_.nodes.size());
    zone.targeting = parse_targeting(object.text("targeting"), JsonPath(path, "targeting").text(), findings_);
    zone.serial = object.number<uint32_t>("serial");
    zone.soa = object.index("soa", parts_.rrsets.size(), "RRset");
    zone.label_depth = object.number<uint16_t>("label_depth");
    const auto& names = object.array("names");
    each(names, JsonPath(path, "names"), &Assembler::add_node);
    zone.node_count = static_cast<uint32_t>(names.size());
    if (const std::string origin = object.text("origin"); names.empty() || !is_named(names[0], origin))
      object.fault("origin", "not the first name: " + shown(origin));
    parts_.zones.push_back(zone);
  }

  void add_node(const json& value, const JsonPath& path) {
    const Object object(value, path, {"name", "types"}, findings_);
    const auto first = static_cast<uint32_t>(parts_.node_types.size());
    const auto& types = object.array("types");
    const JsonPath all(path, "types");
    for (size_t i = 0; i < types.size(); ++i) {
      const JsonPath at(all, i);
      const Object type(types[i], at, {"type", "selector"}, findings_);
      parts_.node_types.push_back(
          {type.parsed("type", parse_node_type), 0, type.index("selector", selector_count_, "selector")});
    }
    if (types.size() > UINT16_MAX) object.fault("types", "more than 65,535");
    const std::string name = object.parsed("name", parse_escaped_name);
    parts_.nodes.push_back({parts_.bytes(name), first, static_cast<uint16_t>(types.size()), 0});
  }

  std::optional<Assembled> finish(const Object& object) {
    const auto serial = object.number<uint64_t>("serial");
    const auto created = object.number<uint64_t>("created");
    const std::string digest = object.text("digest");
    if (findings_.faults() > 0) return {};
    auto bytes = lay_out(std::move(parts_), serial, created);
    if (!bytes) {
      findings_.fault("", bytes.refusal().text());
      return {};
    }
    const auto image = core::ZoneImage::validate(*bytes);
    if (!image) {
      findings_.fault("", "no valid image: " + image.refusal().text());
      return {};
    }
    const bool is_dumped = hex_text(image->header().digest) == digest;
    return Assembled{*std::move(bytes), is_dumped};
  }

  Findings& findings_;
  ImageParts parts_;
  std::map<std::string, uint32_t> targets_;
  size_t selector_count_ = 0;
};

} // namespace

std::optional<Assembled> assemble(std::string_view text, Findings& findings) {
  const auto dump = parse_json(text, findings);
  if (!dump) return {};
  return Assembler(findings).run(*dump);
}

} // namespace anytick::control
