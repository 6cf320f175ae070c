#include "tests/fuzz/plan_target.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "control/plan/plan_json.h"
#include "control/plan/plan_text.h"

namespace anytick::test {
namespace {

using plan::Plan;
using selection::Verdict;

void require(bool condition, const char* property) {
  if (condition) return;
  std::fprintf(stderr, "broken: %s\n", property);
  std::abort();
}

template <class Sequence, class Key> bool is_sorted(const Sequence& sequence, Key key) {
  return std::adjacent_find(sequence.begin(), sequence.end(),
                            [&](const auto& a, const auto& b) { return !(key(a) < key(b)); }) == sequence.end();
}

void check_bounds(const Plan& plan) {
  require(plan.serial > 0 && (!plan.base || *plan.base > 0) && plan.created >= 0, "serials and time are positive");
  require(is_sorted(plan.selection.servers, [](const auto& each) { return each.address; }), "servers are sorted");
  require(is_sorted(plan.selection.zones, [](const auto& each) { return std::pair(each.zone, each.family); }),
          "zones are sorted");
  for (const auto& zone : plan.selection.zones) {
    require(!zone.members.empty(), "a zone has members");
    require(is_sorted(zone.members, [](const auto& each) { return each.address; }), "members are sorted");
    for (const auto& member : zone.members)
      require(member.address.family == zone.family && member.weight > 0 && member.part < selection::parts,
              "a member is in bounds");
  }
  for (const auto& [server, score] : plan.scores) require(std::isfinite(score), "a score is finite");
  require(plan.data || plan.data_changes.empty(), "changes of data are told with them");
  if (plan.data) require(is_sorted(plan.data->roots, [](const auto& each) { return each.origin; }), "roots are sorted");
  for (const auto& each : plan.selection.servers)
    require(each.ramp >= 0 && each.ramp <= 1 && (!each.score || std::isfinite(*each.score)), "a verdict is in bounds");
}

void check_text(const std::string& text) {
  const auto read = plan::read_plan(text, "plan.json");
  if (!read) {
    require(!read.refusal().reason.empty(), "a refusal has a reason");
    return;
  }
  check_bounds(read->plan);
  const std::string written = plan::plan_json(read->plan);
  const auto again = plan::read_plan(written, "plan.json");
  require(static_cast<bool>(again), "what is written is read");
  require(plan::plan_json(again->plan) == written, "what is read is written the same");
  require(again->checksum == plan::plan_checksum(again->plan), "the checksum is the plan's");
  require(plan::plan_summary(again->plan) == plan::plan_summary(read->plan), "its summary is the same");
  require(!plan::plan_text(read->plan, {}).empty(), "it is told to people");
}

std::string_view first_seed() {
  return R"({"format":"anytick plan 1","checksum":"","serial":2,"base":1,"created":1700000000,"registry_state":5,
"policy_digest":"","demand_digest":"","image_digest":"","answers":{"max_hosts":[4,2],"ipv6_everywhere":true},
"objections":[{"rule":"servers_demoted","zone":"","text":"1 of 2"}],
"zone_changes":[{"zone":"@","family":"ipv4","servers":[1,2],"removed":0,"added":1,"moved":0,"capacity":[5,9]}],
"server_changes":[{"address":"192.0.2.1","account":7,"before":"in","after":"low_score","score":8.3,"new":false,
"gone":false,"zone":"de","weight":[5,0]}],
"before":{"ipv4":{"servers":[["192.0.2.1",0.25]],"zones":{"@":1.0},"accounts":[[7,0.5]]},
"ipv6":{"servers":[],"zones":{},"accounts":[]}},
"after":{"ipv4":{"servers":[["192.0.2.2",0.3333333333333333]],"zones":{"de":0.1},"accounts":[[7,1.0]]},
"ipv6":{"servers":[["2001:db8::1",1.0]],"zones":{},"accounts":[[1,0.0]]}},
"scores":[["192.0.2.1",-1e-3],["2001:db8::1",20.0]],
"servers":[["192.0.2.1",7,"in",20.0,1.0],["192.0.2.2",7,"no_score",null,0.0]],
"zones":[{"zone":"@","family":"ipv4","split":true,"servers":[["192.0.2.1",7,5,0,false],["192.0.2.2",7,4,3,true]]},
{"zone":"@","family":"ipv6","split":false,"servers":[["2001:db8::1",7,4294967295,0,false]]}],"query_policy":"# none\n"})";
}

/// What it has more.
std::string_view second_format() {
  return R"({"format":"anytick plan 2","data_changes":[{"kind":"root_removed","root":"b.example","text":"it is gone"}],
"data":{"tree_digest":"","roots":[{"origin":"a.example","contact":"hostmaster.a.example","name_servers":["ns.example"],
"ttl":150,"max_hosts":4,"static_digest":"","vendors_digest":""}]}})";
}

Bytes seed(const nlohmann::json& document) {
  const std::string text = document.dump();
  return {text.begin(), text.end()};
}

} // namespace

void check_plan(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  check_text(text);
  auto document = nlohmann::json::parse(text, nullptr, false);
  if (document.is_discarded() || !document.is_object()) return;
  document["checksum"] = plan::plan_checksum(document);
  check_text(document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

std::vector<Bytes> plan_seeds() {
  auto document = nlohmann::json::parse(first_seed());
  for (const char* key : {"policy_digest", "demand_digest", "image_digest"}) document[key] = std::string(64, '0');
  std::vector<Bytes> seeds;
  for (const bool follows : {true, false}) {
    if (!follows) document["base"] = nullptr;
    document["checksum"] = plan::plan_checksum(document);
    seeds.push_back(seed(document));
  }
  for (const char* key : {"zone_changes", "server_changes", "objections", "scores", "servers", "zones"})
    document[key] = nlohmann::json::array();
  document["checksum"] = plan::plan_checksum(document);
  seeds.push_back(seed(document));
  document.update(nlohmann::json::parse(second_format()));
  for (const char* key : {"static_digest", "vendors_digest"}) document["data"]["roots"][0][key] = std::string(64, '1');
  document["data"]["tree_digest"] = std::string(64, '2');
  document["checksum"] = plan::plan_checksum(document);
  seeds.push_back(seed(document));
  return seeds;
}

} // namespace anytick::test
