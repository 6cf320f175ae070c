#include <algorithm>
#include <limits>
#include <optional>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "control/findings.h"
#include "control/plan/guard.h"
#include "control/plan/json_cell.h"
#include "control/plan/plan_format.h"
#include "control/plan/plan_json.h"
#include "control/plan/plan_words.h"

namespace anytick::plan {
namespace {

using nlohmann::json;
using selection::Judged;
using selection::Member;
using selection::ZoneServers;

constexpr int64_t number_max = std::numeric_limits<int64_t>::max();
constexpr int64_t weight_max = std::numeric_limits<uint32_t>::max();
constexpr double share_max = 1.000001; ///< sums are rounded

registry::Id id_of(const Cell& cell) {
  return cell.integer(0, number_max);
}
uint32_t count_of(const Cell& cell) {
  return static_cast<uint32_t>(cell.integer(0, weight_max));
}

std::optional<Objection::Rule> rule_by_name(std::string_view name) {
  for (const auto rule :
       {Objection::Rule::zone_servers_removed, Objection::Rule::zone_capacity_removed, Objection::Rule::zone_emptied,
        Objection::Rule::servers_demoted, Objection::Rule::first_servers_out})
    if (rule_name(rule) == name) return rule;
  return {};
}

/// Elements that `key` sorts, each once.
template <class T, class Read, class Key> std::vector<T> sorted(const Cell& cell, Read read, Key key) {
  std::vector<T> all;
  all.reserve(cell.size());
  for (size_t i = 0; i < cell.size(); ++i) {
    const Cell element = cell.at(i);
    all.push_back(read(element));
    if (i > 0 && !(key(all[i - 1]) < key(all[i]))) element.fault("out of order, or twice");
  }
  return all;
}

/// Rows of a key and a number.
template <class Map, class ReadKey> Map numbers(const Cell& cell, ReadKey read_key, double min, double max) {
  Map all;
  for (size_t i = 0; i < cell.size(); ++i) {
    const Cell row = cell.at(i);
    if (!row.is_row(2)) continue;
    auto key = read_key(row.at(0));
    if (!all.empty() && !(all.rbegin()->first < key)) row.fault("out of order, or twice");
    all.emplace_hint(all.end(), std::move(key), row.at(1).real(min, max));
  }
  return all;
}

geo::Address address_of(const Cell& cell) {
  return cell.parsed("no address", [](const std::string& text) { return geo::parse_address(text); });
}
selection::Verdict verdict_of(const Cell& cell) {
  return cell.parsed("no verdict", [](const std::string& text) { return verdict_by_word(text); });
}
geo::Family family_of(const Cell& cell) {
  return cell.parsed("neither \"ipv4\" nor \"ipv6\"", [](const std::string& text) { return family_by_word(text); });
}
std::string digest_of(const Cell& cell) {
  return cell.parsed("no SHA-256", [](const std::string& text) -> std::optional<std::string> {
    const bool is_hex =
        std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
    return is_hex && text.size() == 64 ? std::optional(text) : std::nullopt;
  });
}
std::optional<double> score_of(const Cell& cell) {
  if (cell.is_null()) return {};
  return cell.real(std::numeric_limits<double>::lowest(), std::numeric_limits<double>::max());
}

Judged judged_of(const Cell& row) {
  Judged judged;
  if (!row.is_row(5)) return judged;
  judged.address = address_of(row.at(0));
  judged.account = id_of(row.at(1));
  judged.verdict = verdict_of(row.at(2));
  judged.score = score_of(row.at(3));
  judged.ramp = row.at(4).real(0, 1);
  return judged;
}

Member member_of(const Cell& row, geo::Family family) {
  Member member;
  if (!row.is_row(5)) return member;
  member.address = address_of(row.at(0));
  if (member.address.family != family) row.at(0).fault("of the other family");
  member.account = id_of(row.at(1));
  member.weight = static_cast<uint32_t>(row.at(2).integer(1, weight_max));
  member.part = static_cast<uint8_t>(row.at(3).integer(0, selection::parts - 1));
  member.borrowed = row.at(4).flag();
  return member;
}

ZoneServers zone_of(const Cell& cell) {
  const Fields fields(cell, {"zone", "family", "split", "servers"});
  ZoneServers zone{.zone = fields.at("zone").text(), .family = family_of(fields.at("family")), .members = {}};
  zone.split = fields.at("split").flag();
  const Cell servers = fields.at("servers");
  zone.members = sorted<Member>(
      servers, [&](const Cell& row) { return member_of(row, zone.family); },
      [](const Member& m) -> const geo::Address& { return m.address; });
  if (servers.size() == 0) servers.fault("there are none");
  return zone;
}

Shares shares_of_family(const Cell& cell) {
  const Fields fields(cell, {"servers", "zones", "accounts"});
  Shares shares;
  shares.servers = numbers<decltype(shares.servers)>(fields.at("servers"), address_of, 0, share_max);
  shares.accounts = numbers<decltype(shares.accounts)>(fields.at("accounts"), id_of, 0, share_max);
  fields.at("zones").each_member(
      [&](const std::string& zone, const Cell& share) { shares.zones.emplace(zone, share.real(0, share_max)); });
  return shares;
}

FamilyShares family_shares_of(const Cell& cell) {
  const Fields fields(cell, {"ipv4", "ipv6"});
  return {shares_of_family(fields.at("ipv4")), shares_of_family(fields.at("ipv6"))};
}

ServerChange server_change_of(const Cell& cell) {
  const Fields fields(cell, {"address", "account", "before", "after", "score", "new", "gone", "zone", "weight"});
  ServerChange change;
  change.address = address_of(fields.at("address"));
  change.account = id_of(fields.at("account"));
  change.before = verdict_of(fields.at("before"));
  change.after = verdict_of(fields.at("after"));
  change.score = score_of(fields.at("score"));
  change.is_new = fields.at("new").flag();
  change.is_gone = fields.at("gone").flag();
  change.zone = fields.at("zone").text();
  if (const Cell weights = fields.at("weight"); weights.is_row(2)) {
    change.weight_before = count_of(weights.at(0));
    change.weight_after = count_of(weights.at(1));
  }
  return change;
}

ZoneChange zone_change_of(const Cell& cell) {
  const Fields fields(cell, {"zone", "family", "servers", "removed", "added", "moved", "capacity"});
  ZoneChange change{.zone = fields.at("zone").text(), .family = family_of(fields.at("family"))};
  if (const Cell servers = fields.at("servers"); servers.is_row(2)) {
    change.servers_before = count_of(servers.at(0));
    change.servers_after = count_of(servers.at(1));
  }
  change.removed = count_of(fields.at("removed"));
  change.added = count_of(fields.at("added"));
  change.moved = count_of(fields.at("moved"));
  if (const Cell capacity = fields.at("capacity"); capacity.is_row(2)) {
    change.capacity_before = static_cast<uint64_t>(capacity.at(0).integer(0, number_max));
    change.capacity_after = static_cast<uint64_t>(capacity.at(1).integer(0, number_max));
  }
  return change;
}

Objection objection_of(const Cell& cell) {
  const Fields fields(cell, {"rule", "zone", "text"});
  return {fields.at("rule").parsed("no rule of the guard", [](const std::string& name) { return rule_by_name(name); }),
          fields.at("zone").text(), fields.at("text").text()};
}

AnswerRules answer_rules_of(const Cell& cell) {
  const Fields fields(cell, {"max_hosts", "ipv6_everywhere"});
  AnswerRules rules{.max_hosts = {}, .ipv6_everywhere = fields.at("ipv6_everywhere").flag()};
  const Cell max_hosts = fields.at("max_hosts");
  for (size_t i = 0; i < max_hosts.size(); ++i)
    rules.max_hosts.push_back(static_cast<uint32_t>(max_hosts.at(i).integer(1, weight_max)));
  return rules;
}

RootData root_of(const Cell& cell) {
  const Fields fields(cell,
                      {"origin", "contact", "name_servers", "ttl", "max_hosts", "static_digest", "vendors_digest"});
  RootData root;
  root.origin = fields.at("origin").text();
  root.contact = fields.at("contact").text();
  const Cell servers = fields.at("name_servers");
  for (size_t i = 0; i < servers.size(); ++i) root.name_servers.push_back(servers.at(i).text());
  root.ttl = count_of(fields.at("ttl"));
  root.max_hosts = count_of(fields.at("max_hosts"));
  root.static_digest = digest_of(fields.at("static_digest"));
  root.vendors_digest = digest_of(fields.at("vendors_digest"));
  return root;
}

AnswerData data_of(const Cell& cell) {
  const Fields fields(cell, {"roots", "tree_digest"});
  return {
      sorted<RootData>(fields.at("roots"), root_of, [](const RootData& r) -> const std::string& { return r.origin; }),
      digest_of(fields.at("tree_digest"))};
}

DataChange data_change_of(const Cell& cell) {
  const Fields fields(cell, {"kind", "root", "text"});
  return {fields.at("kind").parsed("no kind of change", [](const std::string& word) { return change_by_word(word); }),
          fields.at("root").text(), fields.at("text").text()};
}

Plan plan_of(const Fields& fields, bool has_data) {
  Plan plan;
  plan.serial = fields.at("serial").integer(1, number_max);
  if (const Cell base = fields.at("base"); !base.is_null()) plan.base = base.integer(1, number_max);
  plan.created = fields.at("created").integer(0, number_max);
  plan.registry_state = id_of(fields.at("registry_state"));
  plan.policy_digest = digest_of(fields.at("policy_digest"));
  plan.demand_digest = digest_of(fields.at("demand_digest"));
  plan.image_digest = digest_of(fields.at("image_digest"));
  plan.answers = answer_rules_of(fields.at("answers"));
  const Cell objections = fields.at("objections");
  for (size_t i = 0; i < objections.size(); ++i) plan.objections.push_back(objection_of(objections.at(i)));
  plan.zones = sorted<ZoneChange>(fields.at("zone_changes"), zone_change_of,
                                  [](const ZoneChange& z) { return std::tie(z.zone, z.family); });
  plan.servers = sorted<ServerChange>(fields.at("server_changes"), server_change_of,
                                      [](const ServerChange& s) -> const geo::Address& { return s.address; });
  plan.before = family_shares_of(fields.at("before"));
  plan.after = family_shares_of(fields.at("after"));
  plan.scores = numbers<selection::Scores>(fields.at("scores"), address_of, std::numeric_limits<double>::lowest(),
                                           std::numeric_limits<double>::max());
  plan.selection.servers =
      sorted<Judged>(fields.at("servers"), judged_of, [](const Judged& j) -> const geo::Address& { return j.address; });
  plan.selection.zones =
      sorted<ZoneServers>(fields.at("zones"), zone_of, [](const ZoneServers& z) { return std::tie(z.zone, z.family); });
  plan.query_policy = fields.at("query_policy").text();
  if (!has_data) return plan;
  plan.data = data_of(fields.at("data"));
  const Cell changes = fields.at("data_changes");
  for (size_t i = 0; i < changes.size(); ++i) plan.data_changes.push_back(data_change_of(changes.at(i)));
  return plan;
}

Refusal first_of(const control::Findings& findings, const std::string& file) {
  const control::Finding& first = findings.all().front();
  const size_t more = findings.all().size() - 1;
  return {file, first.where, first.reason + (more == 0 ? "" : fmt::format(" (and {} faults more)", more))};
}

} // namespace

Result<PlanFile> read_plan(std::string_view text, const std::string& file) {
  control::Findings findings(file);
  const auto document = control::parse_json(text, findings);
  if (!document || findings.faults() > 0) return first_of(findings, file);
  const Cell root(&*document, control::JsonPath(), findings);
  // What is of another format is not looked into.
  const auto format = document->is_object() ? document->find("format") : document->end();
  const auto is_of = [&](std::string_view name) {
    return format->is_string() && format->get_ref<const std::string&>() == name;
  };
  const bool has_data = format == document->end() || !is_of(plan_format_1);
  if (format != document->end() && has_data && !is_of(plan_format))
    return Refusal{file, "format",
                   fmt::format("neither \"{}\" nor \"{}\", which this program reads", plan_format_1, plan_format)};
  const std::vector<std::string_view> keys = plan_keys_of(has_data);
  const Fields fields(root, keys);
  PlanFile read{.plan = plan_of(fields, has_data), .checksum = digest_of(fields.at("checksum"))};
  if (findings.faults() > 0) return first_of(findings, file);
  if (plan_checksum(*document) != read.checksum)
    return Refusal{file, "checksum", "not that of this file: it was changed after it was made"};
  return read;
}

} // namespace anytick::plan
