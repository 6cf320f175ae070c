#include "control/zone_check.h"

#include <algorithm>
#include <map>
#include <set>

#include "control/dns_text.h"
#include "control/targeting.h"
#include "dataplane/core/dns.h"
#include "dataplane/core/draw.h"
#include "dataplane/core/zone_image.h"

namespace anytick::control {
namespace {

namespace dns = core::dns;

std::string where(const ZoneLabel& label, std::string_view key) {
  return "data/" + label.key + "/" + std::string(key);
}

/// The apex has no name of its own to write.
std::string shown(const ZoneLabel& label) {
  return label.key.empty() ? "\"\"" : label.key;
}

void check_cname(const ZoneLabel& label, Findings& findings) {
  if (label.find(dns::CNAME) == nullptr) return;
  std::string others;
  for (const RecordSet& set : label.sets)
    if (set.type != dns::CNAME) others += (others.empty() ? "" : ", ") + type_text(set.type);
  if (label.alias) others += others.empty() ? "alias" : ", alias";
  if (!others.empty()) findings.fault(where(label, "cname"), "a CNAME stands beside " + others);
}

void check_set(const ZoneLabel& label, const RecordSet& set, Findings& findings) {
  const std::string at = where(label, type_text(set.type));
  if (set.records.size() > core::draw_candidates_max)
    findings.fault(at, std::to_string(set.records.size()) + " records, at most 65535 are possible");
  constexpr size_t head = 12; // compressed owner, type, class, TTL, RDLENGTH (RFC 1035 4.1.3)
  size_t sum = 0;
  size_t longest = 0;
  for (const ZoneRecord& record : set.records) {
    sum += head + record.rdata.size();
    longest = std::max(longest, head + record.rdata.size());
  }
  const size_t most = is_drawn(set) ? longest * answer_records(set, label.max_hosts) : sum;
  if (most > core::answer_bytes_max)
    findings.fault(at, "an answer could exceed " + std::to_string(core::answer_bytes_max) + " bytes");
}

/// Follows aliases by depth first: from a name through all labels that speak for it.
class AliasCheck {
 public:
  AliasCheck(const Zone& zone, Findings& findings) : variants_(zone), findings_(findings) {
    for (const auto& [name, labels] : variants_.all()) visit(name);
    check_apex();
  }

 private:
  struct Reach {
    bool done = false;
    unsigned depth = 0;               ///< most alias steps from here
    const ZoneLabel* cname = nullptr; ///< a label with a CNAME that can be the answer
  };

  const Reach& visit(const std::string& name);
  void step(const ZoneLabel& label, Reach& reach);
  void report_loop(const std::string& name, const ZoneLabel& last);
  void check_apex();

  Variants variants_;
  Findings& findings_;
  std::map<std::string, Reach> reached_;
  std::vector<std::pair<std::string, const ZoneLabel*>> way_; ///< names on the way here, each with the label it left by
  std::set<const ZoneLabel*> reported_;
};

const AliasCheck::Reach& AliasCheck::visit(const std::string& name) {
  Reach& reach = reached_[name];
  if (reach.done) return reach;
  way_.emplace_back(name, nullptr);
  for (const Variant& variant : *variants_.find(name)) {
    if (variant.label->find(dns::CNAME) != nullptr) reach.cname = variant.label;
    way_.back().second = variant.label;
    if (variant.label->alias) step(*variant.label, reach);
  }
  way_.pop_back();
  reach.done = true;
  return reach;
}

void AliasCheck::step(const ZoneLabel& label, Reach& reach) {
  const auto refuse = [&](const std::string& reason) {
    if (reported_.insert(&label).second) findings_.fault(where(label, "alias"), reason);
  };
  const std::string& to = *label.alias;
  if (variants_.find(to) == nullptr) return refuse("there is no label \"" + to + "\"");
  const bool loop = std::any_of(way_.begin(), way_.end(), [&](const auto& each) { return each.first == to; });
  if (loop) return report_loop(to, label);
  const std::string too_long = "more than " + std::to_string(core::alias_depth_max) + " aliases in a row";
  if (way_.size() > core::alias_depth_max) return refuse(too_long);
  const Reach& from = visit(to);
  if (from.cname != nullptr) reach.cname = from.cname;
  reach.depth = std::max(reach.depth, from.depth + 1);
  if (reach.depth > core::alias_depth_max) refuse(too_long);
}

void AliasCheck::report_loop(const std::string& name, const ZoneLabel& last) {
  auto each = std::find_if(way_.begin(), way_.end(), [&](const auto& w) { return w.first == name; });
  const ZoneLabel& first = *each->second;
  if (!reported_.insert(&last).second) return;
  std::string path;
  for (; each != way_.end(); ++each) path += shown(*each->second) + " -> ";
  findings_.fault(where(last, "alias"), "alias loop: " + path + shown(first));
}

/// The SOA stands at the apex, and no other type may stand beside a CNAME (RFC 1034 3.6.2).
void AliasCheck::check_apex() {
  const auto apex = reached_.find("");
  if (apex == reached_.end() || apex->second.cname == nullptr) return;
  findings_.fault(where(*apex->second.cname, "cname"), "would answer for the apex, where no CNAME may stand");
}

/// Brackets at a label's end mean an address.
void check_address_target(const Zone& zone, const ZoneLabel& label, Findings& findings) {
  if (!label.name.ends_with(']')) return;
  const std::string at = "data/" + label.key;
  const SplitLabel split = split_label(label.name, core::target_ip);
  if (split.target.empty()) return findings.fault(at, "ends in brackets, but not in [ADDRESS]");
  if (const auto wire = parse_name(split.name, zone.origin); !split.name.empty() && !wire)
    return findings.fault(at, wire.refusal().reason);
  if ((zone.targeting & core::target_ip) == 0) findings.warn(at, "ignored: \"ip\" is not in \"targeting\"");
}

void check_name_servers(const Zone& zone, Findings& findings) {
  const bool has_apex = !zone.labels.empty() && zone.labels.front().name.empty();
  const RecordSet* servers = has_apex ? zone.labels.front().find(dns::NS) : nullptr;
  if (servers == nullptr) return findings.warn("", "the zone has no name servers");
  const Variants variants(zone);
  for (const ZoneRecord& record : servers->records) {
    const auto name = relative_text(record.rdata, zone.origin);
    if (name && variants.find(*name) == nullptr)
      findings.warn("data//ns", name_text(record.rdata) + " does not exist in this zone");
  }
}

/// Zone cuts and what stands at and below them, which is answered as glue only.
class DelegationCheck {
 public:
  DelegationCheck(const Zone& zone, Findings& findings) : findings_(findings) {
    for (const ZoneLabel& label : zone.labels)
      if (!label.name.empty() && label.find(dns::NS) != nullptr) cuts_.insert(label.name);
    if (cuts_.empty()) return;
    for (const ZoneLabel& label : zone.labels) check(label);
  }

 private:
  /// The cut at or above a name, "" if there is none.
  std::string cut_above(std::string_view name) const {
    for (; !name.empty(); name.remove_prefix(std::min(name.find('.'), name.size() - 1) + 1))
      if (const auto cut = cuts_.find(name); cut != cuts_.end()) return *cut;
    return "";
  }

  void check(const ZoneLabel& label) {
    if (label.alias)
      if (const std::string cut = cut_above(*label.alias); !cut.empty())
        findings_.fault(where(label, "alias"), "leads into the delegation of \"" + cut + "\"");
    const std::string cut = cut_above(label.name);
    if (cut.empty()) return;
    if (cut == label.name) return check_cut(label);
    for (const RecordSet& set : label.sets)
      if (set.type != dns::A && set.type != dns::AAAA)
        findings_.fault(where(label, type_text(set.type)), "lies below the delegation of \"" + cut + "\"");
  }

  void check_cut(const ZoneLabel& label) {
    if (label.name == "*" || label.name.starts_with("*."))
      findings_.fault(where(label, "ns"), "a wildcard cannot be delegated");
    if (label.alias) findings_.fault(where(label, "alias"), "stands beside a delegation");
    size_t bytes = 0;
    for (const RecordSet& set : label.sets) {
      if (set.type == dns::NS)
        for (const ZoneRecord& record : set.records) bytes += 12 + record.rdata.size();
      else if (set.type != dns::A && set.type != dns::AAAA && set.type != dns::CNAME)
        findings_.fault(where(label, type_text(set.type)), "stands beside a delegation");
    }
    if (bytes > core::delegation_bytes_max)
      findings_.fault(where(label, "ns"),
                      "more than " + std::to_string(core::delegation_bytes_max) + " bytes of name servers");
  }

  Findings& findings_;
  std::set<std::string, std::less<>> cuts_;
};

} // namespace

void check_zone(const Zone& zone, Findings& findings) {
  for (const ZoneLabel& label : zone.labels) {
    check_address_target(zone, label, findings);
    check_cname(label, findings);
    for (const RecordSet& set : label.sets) check_set(label, set, findings);
  }
  AliasCheck(zone, findings);
  DelegationCheck(zone, findings);
  check_name_servers(zone, findings);
}

} // namespace anytick::control
