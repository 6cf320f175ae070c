#include "control/plan/plan_json.h"

#include <algorithm>
#include <array>

#include "control/plan/digest.h"
#include "control/plan/guard.h"
#include "control/plan/plan_format.h"
#include "control/plan/plan_words.h"

namespace anytick::plan {
namespace {

using nlohmann::json;

json number_or_null(const std::optional<double>& value) {
  return value ? json(*value) : json();
}

json scores_json(const selection::Scores& scores) {
  json rows = json::array();
  for (const auto& [address, score] : scores) rows.push_back(json::array({geo::to_text(address), score}));
  return rows;
}

json judged_json(const std::vector<selection::Judged>& servers) {
  json rows = json::array();
  for (const selection::Judged& each : servers)
    rows.push_back(json::array(
        {geo::to_text(each.address), each.account, verdict_word(each.verdict), number_or_null(each.score), each.ramp}));
  return rows;
}

json members_json(const std::vector<selection::ZoneServers>& zones) {
  json all = json::array();
  for (const selection::ZoneServers& zone : zones) {
    json rows = json::array();
    for (const selection::Member& each : zone.members)
      rows.push_back(json::array({geo::to_text(each.address), each.account, each.weight, each.part, each.borrowed}));
    all.push_back({{"zone", zone.zone},
                   {"family", family_word(zone.family)},
                   {"split", zone.split},
                   {"servers", std::move(rows)}});
  }
  return all;
}

json shares_json(const Shares& shares) {
  json servers = json::array(), accounts = json::array();
  for (const auto& [address, share] : shares.servers) servers.push_back(json::array({geo::to_text(address), share}));
  for (const auto& [account, share] : shares.accounts) accounts.push_back(json::array({account, share}));
  return {{"servers", std::move(servers)}, {"zones", shares.zones}, {"accounts", std::move(accounts)}};
}

json family_shares_json(const FamilyShares& shares) {
  return {{"ipv4", shares_json(shares[0])}, {"ipv6", shares_json(shares[1])}};
}

json server_changes_json(const std::vector<ServerChange>& changes) {
  json all = json::array();
  for (const ServerChange& each : changes)
    all.push_back({{"address", geo::to_text(each.address)},
                   {"account", each.account},
                   {"before", verdict_word(each.before)},
                   {"after", verdict_word(each.after)},
                   {"score", number_or_null(each.score)},
                   {"new", each.is_new},
                   {"gone", each.is_gone},
                   {"zone", each.zone},
                   {"weight", json::array({each.weight_before, each.weight_after})}});
  return all;
}

json zone_changes_json(const std::vector<ZoneChange>& changes) {
  json all = json::array();
  for (const ZoneChange& each : changes)
    all.push_back({{"zone", each.zone},
                   {"family", family_word(each.family)},
                   {"servers", json::array({each.servers_before, each.servers_after})},
                   {"removed", each.removed},
                   {"added", each.added},
                   {"moved", each.moved},
                   {"capacity", json::array({each.capacity_before, each.capacity_after})}});
  return all;
}

json objections_json(const std::vector<Objection>& objections) {
  json all = json::array();
  for (const Objection& each : objections)
    all.push_back({{"rule", rule_name(each.rule)}, {"zone", each.zone}, {"text", each.text}});
  return all;
}

json data_json(const AnswerData& data) {
  json roots = json::array();
  for (const RootData& each : data.roots)
    roots.push_back({{"origin", each.origin},
                     {"contact", each.contact},
                     {"name_servers", each.name_servers},
                     {"ttl", each.ttl},
                     {"max_hosts", each.max_hosts},
                     {"static_digest", each.static_digest},
                     {"vendors_digest", each.vendors_digest}});
  return {{"roots", std::move(roots)}, {"tree_digest", data.tree_digest}};
}

json data_changes_json(const std::vector<DataChange>& changes) {
  json all = json::array();
  for (const DataChange& each : changes)
    all.push_back({{"kind", change_word(each.kind)}, {"root", each.root}, {"text", each.text}});
  return all;
}

json document_of(const Plan& plan) {
  json document{
      {"format", plan.data ? plan_format : plan_format_1},
      {"serial", plan.serial},
      {"base", plan.base ? json(*plan.base) : json()},
      {"created", plan.created},
      {"registry_state", plan.registry_state},
      {"policy_digest", plan.policy_digest},
      {"demand_digest", plan.demand_digest},
      {"image_digest", plan.image_digest},
      {"answers", {{"max_hosts", plan.answers.max_hosts}, {"ipv6_everywhere", plan.answers.ipv6_everywhere}}},
      {"objections", objections_json(plan.objections)},
      {"zone_changes", zone_changes_json(plan.zones)},
      {"server_changes", server_changes_json(plan.servers)},
      {"before", family_shares_json(plan.before)},
      {"after", family_shares_json(plan.after)},
      {"scores", scores_json(plan.scores)},
      {"servers", judged_json(plan.selection.servers)},
      {"zones", members_json(plan.selection.zones)},
      {"query_policy", plan.query_policy},
  };
  if (plan.data) {
    document["data"] = data_json(*plan.data);
    document["data_changes"] = data_changes_json(plan.data_changes);
  }
  return document;
}

/// What nests or is long stands on lines, the rest on one.
void print(const json& value, size_t indent, std::string& text) {
  constexpr size_t line_max = 118;
  const bool nests = value.is_structured() &&
                     std::any_of(value.begin(), value.end(), [](const json& each) { return each.is_structured(); });
  if (!nests) {
    const std::string line = value.dump();
    if (!value.is_structured() || line.size() + indent <= line_max) {
      text += line;
      return;
    }
  }
  const bool is_object = value.is_object();
  text += is_object ? "{\n" : "[\n";
  for (auto each = value.begin(); each != value.end(); ++each) {
    if (each != value.begin()) text += ",\n";
    text.append(indent + 1, ' ');
    if (is_object) text += json(each.key()).dump() + ": ";
    print(*each, indent + 1, text);
  }
  text += '\n';
  text.append(indent, ' ');
  text += is_object ? '}' : ']';
}

} // namespace

std::string plan_checksum(json document) {
  document.erase("checksum");
  return sha256_text(document.dump(-1, ' ', false, json::error_handler_t::replace));
}

std::string plan_checksum(const Plan& plan) {
  return plan_checksum(document_of(plan));
}

std::string plan_json(const Plan& plan) {
  json document = document_of(plan);
  document["checksum"] = plan_checksum(document);
  std::string text = "{\n";
  const std::vector<std::string_view> keys = plan_keys_of(plan.data.has_value());
  for (const std::string_view key : keys) {
    text.append(" \"").append(key).append("\": ");
    print(document[std::string(key)], 1, text);
    text += key == keys.back() ? "\n" : ",\n";
  }
  return text + "}\n";
}

} // namespace anytick::plan
