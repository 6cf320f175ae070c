#include "control/dump.h"

#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "control/dns_text.h"
#include "control/targeting.h"
#include "control/text.h"

namespace anytick::control {
namespace {

using nlohmann::ordered_json;

std::string type_name(uint16_t type) {
  return type == 0 ? "other" : type_text(type);
}

std::string summary(const core::ImageRRset& set) {
  const auto kind = static_cast<core::AnswerKind>(set.kind);
  std::string text = fmt::format("{} ttl {} {}", type_text(set.type), set.ttl, kind_text(kind));
  if (kind == core::AnswerKind::location) return text;
  if (kind == core::AnswerKind::draw) text += fmt::format(" {} of", set.max_records);
  return text + fmt::format(" {}", set.record_count);
}

class TextDump {
 public:
  explicit TextDump(const core::ZoneImage& image) : image_(image), owners_(image.selectors().size()) {}

  std::string run() {
    find_owners();
    const core::ZoneHeader& header = image_.header();
    line("image serial {} format {} created {} bytes {} digest {}", header.serial, header.format,
         date_text(header.created), header.total_bytes, hex_text(header.digest));
    for (const core::ImageZone& zone : image_.zones()) {
      line("zone {} serial {} targeting \"{}\" names {} depth {}", name_of(image_.nodes()[zone.first_node]),
           zone.serial, targeting_text(zone.targeting), zone.node_count, zone.label_depth);
      for (const core::ImageNode& node : image_.nodes().subspan(zone.first_node, zone.node_count)) add_node(node);
    }
    for (uint32_t index = 0; index < image_.selectors().size(); ++index)
      if (owners_[index] == selector_text(index)) add_selector(index);
    for (uint32_t index = 0; index < image_.rrsets().size(); ++index) add_rrset(index);
    return std::move(text_);
  }

 private:
  template <class... Args> void line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
    text_ += '\n';
  }
  std::string name_of(const core::ImageNode& node) const { return name_text(image_.text_of(node.name)); }

  static std::string selector_text(uint32_t index) { return fmt::format("selector-{}", index); }
  std::string owner_of(const core::ImageNode& node, const core::ImageNodeType& type) const {
    return name_of(node) + ' ' + type_name(type.type);
  }

  void find_owners() {
    for (const core::ImageNode& node : image_.nodes())
      for (const core::ImageNodeType& type : image_.node_types().subspan(node.first_type, node.type_count))
        if (owners_[type.selector].empty()) owners_[type.selector] = owner_of(node, type);
    for (uint32_t index = 0; index < owners_.size(); ++index)
      if (owners_[index].empty()) owners_[index] = selector_text(index);
  }

  void add_node(const core::ImageNode& node) {
    if (node.type_count == 0) line("{} has no types", name_of(node));
    for (const core::ImageNodeType& type : image_.node_types().subspan(node.first_type, node.type_count)) {
      const std::string owner = owner_of(node, type);
      if (owner == owners_[type.selector])
        add_selector(type.selector);
      else
        line("{} as {}", owner, owners_[type.selector]);
    }
  }

  void add_selector(uint32_t index) {
    const core::ImageSelector& selector = image_.selectors()[index];
    for (const core::ImageEntry& entry : image_.entries().subspan(selector.first_entry, selector.entry_count)) {
      const std::string_view target = image_.text_of(image_.targets()[entry.target].text);
      if (entry.is_alias == 1)
        line("{} {} as {}", owners_[index], target, owners_[entry.index]);
      else
        line("{} {} rrset {} {}", owners_[index], target, entry.index, summary(image_.rrsets()[entry.index]));
    }
  }

  void add_rrset(uint32_t index) {
    const core::ImageRRset& set = image_.rrsets()[index];
    line("rrset {} {}", index, summary(set));
    for (const core::ImageRecord& record : image_.records().subspan(set.first_record, set.record_count)) {
      const std::string data = rdata_text(set.type, image_.text_of(record.rdata));
      if (record.weight == 0)
        line("rrset {} record {}", index, data);
      else
        line("rrset {} weight {} record {}", index, record.weight, data);
    }
  }

  const core::ZoneImage& image_;
  std::vector<std::string> owners_; ///< of each selector: the first name and type with it
  std::string text_;
};

ordered_json zone_json(const core::ZoneImage& image, const core::ImageZone& zone) {
  ordered_json names = ordered_json::array();
  for (const core::ImageNode& node : image.nodes().subspan(zone.first_node, zone.node_count)) {
    ordered_json types = ordered_json::array();
    for (const core::ImageNodeType& type : image.node_types().subspan(node.first_type, node.type_count))
      types.push_back({{"type", type_name(type.type)}, {"selector", type.selector}});
    names.push_back({{"name", name_text(image.text_of(node.name))}, {"types", std::move(types)}});
  }
  return {{"origin", names[0]["name"]},
          {"serial", zone.serial},
          {"targeting", targeting_text(zone.targeting)},
          {"soa", zone.soa},
          {"label_depth", zone.label_depth},
          {"names", std::move(names)}};
}

ordered_json selector_json(const core::ZoneImage& image, const core::ImageSelector& selector) {
  ordered_json entries = ordered_json::array();
  for (const core::ImageEntry& entry : image.entries().subspan(selector.first_entry, selector.entry_count))
    entries.push_back({{"target", image.text_of(image.targets()[entry.target].text)},
                       {entry.is_alias == 0 ? "rrset" : "selector", entry.index}});
  return entries;
}

ordered_json rrset_json(const core::ZoneImage& image, const core::ImageRRset& set) {
  ordered_json records = ordered_json::array();
  for (const core::ImageRecord& record : image.records().subspan(set.first_record, set.record_count))
    records.push_back({{"data", rdata_text(set.type, image.text_of(record.rdata))}, {"weight", record.weight}});
  return {{"type", type_text(set.type)},
          {"ttl", set.ttl},
          {"kind", kind_text(static_cast<core::AnswerKind>(set.kind))},
          {"max_records", set.max_records},
          {"records", std::move(records)}};
}

} // namespace

std::string dump_text(const core::ZoneImage& image) {
  return TextDump(image).run();
}

std::string dump_json(const core::ZoneImage& image) {
  const core::ZoneHeader& header = image.header();
  ordered_json json{{"serial", header.serial},
                    {"format", header.format},
                    {"created", header.created},
                    {"bytes", header.total_bytes},
                    {"digest", hex_text(header.digest)}};
  for (const char* section : {"targets", "zones", "selectors", "rrsets"}) json[section] = ordered_json::array();
  for (const core::ImageTarget& target : image.targets()) json["targets"].push_back(image.text_of(target.text));
  for (const core::ImageZone& zone : image.zones()) json["zones"].push_back(zone_json(image, zone));
  for (const core::ImageSelector& each : image.selectors()) json["selectors"].push_back(selector_json(image, each));
  for (const core::ImageRRset& each : image.rrsets()) json["rrsets"].push_back(rrset_json(image, each));
  return json.dump(1) + '\n';
}

} // namespace anytick::control
