#include "control_zones.h"

#include <algorithm>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "control/compile.h"
#include "control/dns_text.h"
#include "control/geodns_json.h"
#include "control/targeting.h"
#include "dataplane/core/dns.h"

namespace anytick::control::test {

namespace dns = core::dns;

ReadResult read(std::string_view json, const std::string& file) {
  Findings findings(file);
  ReadResult result;
  result.zone = read_geodns_zone(file, json, 1000000000, findings);
  for (const Finding& finding : findings.all()) result.findings.push_back(finding.text().substr(file.size() + 2));
  return result;
}

Zone good_zone(std::string_view json, const std::string& file) {
  ReadResult result = read(json, file);
  for (const std::string& finding : result.findings)
    if (!result.zone) ADD_FAILURE() << finding;
  if (!result.zone) throw std::runtime_error("no zone");
  return *std::move(result.zone);
}

std::vector<std::byte> good_image(std::span<const Zone> zones, uint64_t serial, uint64_t created) {
  auto bytes = compile(zones, serial, created);
  if (!bytes) throw std::runtime_error(bytes.refusal().text());
  const auto image = core::ZoneImage::validate(*bytes);
  if (!image) throw std::runtime_error(image.refusal().text());
  return *std::move(bytes);
}

namespace {

std::string set_head(uint16_t type, uint32_t ttl, bool drawn, uint32_t max) {
  return fmt::format("{} {} {}:", type_text(type), ttl, drawn ? fmt::format("draw {}", max) : "all");
}

std::string record_text(uint16_t type, std::string_view rdata, bool drawn, uint32_t weight) {
  return ' ' + rdata_text(type, rdata) + (drawn ? fmt::format("={}", weight) : "");
}

const core::ImageRRset* evaluate(const core::ZoneImage& image, uint32_t selector, const Targets& targets) {
  const core::ImageSelector& from = image.selectors()[selector];
  for (const std::string& target : targets) {
    for (const core::ImageEntry& entry : image.entries().subspan(from.first_entry, from.entry_count)) {
      if (image.text_of(image.targets()[entry.target].text) != target) continue;
      if (entry.is_alias == 0) return &image.rrsets()[entry.index];
      if (const auto* found = evaluate(image, entry.index, targets)) return found;
    }
  }
  return nullptr;
}

Targets with_everybody(Targets targets) {
  targets.emplace_back("@");
  return targets;
}

const ZoneLabel* find_label(const Zone& zone, const std::string& name) {
  const auto found =
      std::find_if(zone.labels.begin(), zone.labels.end(), [&](const auto& l) { return l.name == name; });
  return found == zone.labels.end() ? nullptr : &*found;
}

std::string tried_label(const std::string& name, const std::string& target) {
  if (target == "@") return name;
  return name.empty() ? target : name + "." + target;
}

std::string resolve(const Zone& zone, const std::string& name, uint16_t type, const Targets& targets) {
  for (const std::string& target : targets) {
    const ZoneLabel* label = find_label(zone, tried_label(name, target));
    if (label == nullptr) continue;
    if (label->alias)
      if (std::string answer = resolve(zone, *label->alias, type, targets); !answer.empty()) return answer;
    if (const RecordSet* cname = label->find(dns::CNAME)) return set_text(*cname, label->max_hosts);
    if (type == dns::NS || type == dns::SOA) continue;
    if (const RecordSet* set = label->find(type)) return set_text(*set, label->max_hosts);
  }
  return "";
}

bool exists(const Zone& zone, const std::string& name) {
  const std::string below = "." + name;
  const auto ends_with_target = [&](const std::string& label) {
    const size_t dot = label.rfind('.');
    return dot != label.npos && label.substr(0, dot) == name && is_target(label.substr(dot + 1), zone.targeting);
  };
  for (const ZoneLabel& label : zone.labels) {
    if (label.name == name || label.name.ends_with(below) || ends_with_target(label.name)) return true;
    // A name that exists only through its targets has parents too.
    const size_t dot = label.name.rfind('.');
    if (dot != label.name.npos && is_target(label.name.substr(dot + 1), zone.targeting) &&
        label.name.substr(0, dot).ends_with(below))
      return true;
  }
  return name.empty();
}

} // namespace

std::string set_text(const core::ZoneImage& image, const core::ImageRRset& set) {
  const bool drawn = set.kind == static_cast<uint16_t>(core::AnswerKind::draw);
  std::string text = set_head(set.type, set.ttl, drawn, set.max_records);
  for (const core::ImageRecord& record : image.records().subspan(set.first_record, set.record_count))
    text += record_text(set.type, image.text_of(record.rdata), drawn, record.weight);
  return text;
}

std::string set_text(const RecordSet& set, uint32_t max_hosts) {
  const bool address = set.type == dns::A || set.type == dns::AAAA;
  const bool weighted =
      std::any_of(set.records.begin(), set.records.end(), [](const auto& r) { return r.weight.has_value(); });
  const bool several = set.type == dns::CNAME && set.records.size() > 1;
  const bool drawn = set.type != dns::NS && set.type != dns::SOA && (address || weighted || several);
  const auto count = static_cast<uint32_t>(set.records.size());
  std::string text = set_head(set.type, set.ttl, drawn, set.type == dns::CNAME ? 1 : std::min(max_hosts, count));
  for (const ZoneRecord& record : set.records)
    text += record_text(set.type, record.rdata, drawn, record.weight.value_or(1));
  return text;
}

std::string image_answer(const core::ZoneImage& image, std::string_view origin, std::string_view name, uint16_t type,
                         const Targets& targets) {
  const std::string full = (name.empty() ? "" : std::string(name).append(".")).append(origin);
  for (const core::ImageNode& node : image.nodes()) {
    if (name_text(image.text_of(node.name)) != full) continue;
    const core::ImageNodeType* found = nullptr;
    for (const core::ImageNodeType& each : image.node_types().subspan(node.first_type, node.type_count))
      if (each.type == type || (each.type == 0 && found == nullptr)) found = &each;
    const auto* set = found == nullptr ? nullptr : evaluate(image, found->selector, with_everybody(targets));
    return set == nullptr ? "nodata" : set_text(image, *set);
  }
  return "nxdomain";
}

std::string zone_answer(const Zone& zone, const std::string& name, uint16_t type, const Targets& targets) {
  if (!exists(zone, name)) return "nxdomain";
  if (name.empty() && type == dns::SOA) return set_text(zone.soa, 1);
  if (name.empty() && type == dns::NS) {
    const ZoneLabel* apex = find_label(zone, "");
    const RecordSet* servers = apex == nullptr ? nullptr : apex->find(dns::NS);
    return servers == nullptr ? "nodata" : set_text(*servers, 1);
  }
  const std::string answer = resolve(zone, name, type, with_everybody(targets));
  return answer.empty() ? "nodata" : answer;
}

} // namespace anytick::control::test
