#include "control/plan/plan_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "control/plan/data_changes.h"
#include "plan_world.h"

namespace anytick::plan::test {
namespace {

using nlohmann::json;

void expect_same(const Plan& a, const Plan& b) {
  EXPECT_EQ(a.serial, b.serial);
  EXPECT_EQ(a.base, b.base);
  EXPECT_EQ(a.created, b.created);
  EXPECT_EQ(a.registry_state, b.registry_state);
  EXPECT_EQ(a.policy_digest, b.policy_digest);
  EXPECT_EQ(a.demand_digest, b.demand_digest);
  EXPECT_EQ(a.answers, b.answers);
  EXPECT_EQ(a.scores, b.scores);
  ASSERT_EQ(a.selection.servers.size(), b.selection.servers.size());
  for (size_t i = 0; i < a.selection.servers.size(); ++i) {
    const selection::Judged &one = a.selection.servers[i], &other = b.selection.servers[i];
    EXPECT_TRUE(one.address == other.address && one.account == other.account && one.verdict == other.verdict &&
                one.score == other.score && one.ramp == other.ramp)
        << geo::to_text(one.address);
  }
  EXPECT_TRUE(a.selection.zones == b.selection.zones);
  EXPECT_EQ(a.image_digest, b.image_digest);
  EXPECT_EQ(a.query_policy, b.query_policy);
  EXPECT_TRUE(a.before == b.before && a.after == b.after);
  EXPECT_TRUE(a.servers == b.servers);
  EXPECT_TRUE(a.zones == b.zones);
  EXPECT_TRUE(a.objections == b.objections);
  EXPECT_EQ(a.data, b.data);
  EXPECT_TRUE(a.data_changes == b.data_changes);
}

/// A plan with changes of all kinds, and objections.
Plan eventful_plan(uint64_t seed) {
  PlanWorld world(seed);
  MadePlan first = world.make();
  note_data(first.plan, world.sources(), false);
  for (auto& [server, score] : world.scores)
    if (server.bytes[3] % 3 == 0) score = 3.25;
  world.scores.erase(world.scores.begin());
  world.snapshot.servers.erase(world.snapshot.servers.begin() + 7);
  world.snapshot.servers[20].netspeed = 512;
  world.snapshot.roots[0].ttl = 77;
  Plan plan = world.make(&first.plan, 2).plan;
  note_data(plan, world.sources(&first.plan), false);
  return plan;
}

TEST(PlanJson, ComesBackExactly) {
  for (const uint64_t seed : {31u, 32u, 33u}) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Plan plan = eventful_plan(seed);
    ASSERT_FALSE(plan.objections.empty());
    const std::string text = plan_json(plan);
    const auto back = read_plan(text, "plan.json");
    ASSERT_TRUE(back) << back.refusal().text();
    expect_same(back->plan, plan);
    EXPECT_EQ(back->checksum, plan_checksum(plan));
    EXPECT_EQ(plan_json(back->plan), text);
  }
}

// As plans were before they told of what is not of servers.
TEST(PlanJson, OfTheFormatOfBeforeComesBackExactly) {
  Plan plan = eventful_plan(34);
  plan.data.reset();
  plan.data_changes.clear();
  const std::string text = plan_json(plan);
  EXPECT_TRUE(text.starts_with("{\n \"format\": \"anytick plan 1\",\n")) << text.substr(0, 80);
  EXPECT_EQ(text.find("\"data"), text.npos);
  const auto back = read_plan(text, "plan.json");
  ASSERT_TRUE(back) << back.refusal().text();
  expect_same(back->plan, plan);
  EXPECT_EQ(back->checksum, plan_checksum(plan));
}

TEST(PlanJson, KeepsOddNumbers) {
  Plan plan = eventful_plan(34);
  plan.scores.begin()->second = 0.1 + 0.2;
  std::next(plan.scores.begin())->second = -1e-300;
  plan.selection.servers[0].score = 5e-324;
  plan.selection.servers[1].score = 19.999999999999996;
  plan.after[0].servers.begin()->second = 1.0 / 3;
  plan.serial = INT64_MAX;
  plan.query_policy = "# \xc3\xa9 \"quoted\" \\ \n\t\x01";
  plan.base.reset();
  const auto back = read_plan(plan_json(plan), "plan.json");
  ASSERT_TRUE(back) << back.refusal().text();
  expect_same(back->plan, plan);
}

TEST(PlanJson, DoesNotMindHowItIsLaidOut) {
  const Plan plan = eventful_plan(35);
  const json document = json::parse(plan_json(plan));
  for (const int indent : {-1, 0, 2}) {
    const auto back = read_plan(document.dump(indent), "plan.json");
    ASSERT_TRUE(back) << back.refusal().text();
    EXPECT_EQ(back->checksum, plan_checksum(plan));
  }
}

TEST(PlanJson, HasRowsOnLinesOfTheirOwn) {
  const std::string text = plan_json(eventful_plan(36));
  EXPECT_TRUE(text.starts_with("{\n \"format\": \"anytick plan 2\",\n \"checksum\": \"")) << text.substr(0, 80);
  size_t longest = 0;
  for (size_t at = 0, end = 0; (end = text.find('\n', at)) != text.npos; at = end + 1)
    longest = std::max(longest, end - at);
  EXPECT_LE(longest, 400u) << "objections are the longest lines";
  EXPECT_TRUE(text.ends_with("}\n"));
}

struct FaultyCase {
  const char* name;
  void (*spoil)(json&);
  const char* refusal; ///< a part of it
};

class PlanFaulty : public testing::TestWithParam<FaultyCase> {};

TEST_P(PlanFaulty, IsRefused) {
  static const json good = json::parse(plan_json(eventful_plan(37)));
  json document = good;
  GetParam().spoil(document);
  // Whoever spoils a file may know how its checksum is made.
  if (document.contains("checksum") && document["checksum"] == good["checksum"])
    document["checksum"] = plan_checksum(document);
  const auto back = read_plan(document.dump(), "plan.json");
  ASSERT_FALSE(back);
  EXPECT_NE(back.refusal().text().find(GetParam().refusal), std::string::npos) << back.refusal().text();
}

INSTANTIATE_TEST_SUITE_P(
    PlanJson, PlanFaulty,
    testing::Values(
        FaultyCase{"NoObject", [](json& j) { j = json::array(); }, "plan.json: not an object"},
        FaultyCase{"OtherFormat", [](json& j) { j["format"] = "anytick plan 3"; },
                   "plan.json at format: neither \"anytick plan 1\" nor \"anytick plan 2\""},
        FaultyCase{"NumberAsFormat", [](json& j) { j["format"] = 1; }, "at format: neither \"anytick plan 1\""},
        FaultyCase{"NoFormat", [](json& j) { j.erase("format"); }, "\"format\" is missing"},
        FaultyCase{"NoChecksum", [](json& j) { j.erase("checksum"); }, "\"checksum\" is missing"},
        FaultyCase{"OtherChecksum", [](json& j) { j["checksum"] = std::string(64, '0'); },
                   "at checksum: not that of this"},
        FaultyCase{"ShortChecksum", [](json& j) { j["checksum"] = "00"; }, "at checksum: no SHA-256: \"00\""},
        FaultyCase{"Unknown", [](json& j) { j["more"] = 1; }, "at more: no such key"},
        FaultyCase{"SerialZero", [](json& j) { j["serial"] = 0; }, "at serial: not an integer from 1 to"},
        FaultyCase{"SerialTooLarge", [](json& j) { j["serial"] = UINT64_MAX; }, "at serial: not an integer from 1 to"},
        FaultyCase{"SerialNoInteger", [](json& j) { j["serial"] = 1.5; }, "at serial: not an integer"},
        FaultyCase{"BaseAText", [](json& j) { j["base"] = "1"; }, "at base: not an integer"},
        FaultyCase{"DigestInCapitals", [](json& j) { j["image_digest"] = std::string(64, 'A'); },
                   "at image_digest: no SHA-256"},
        FaultyCase{"MaxHostsZero", [](json& j) { j["answers"]["max_hosts"][0] = 0; }, "at answers/max_hosts/0: not an"},
        FaultyCase{"FlagANumber", [](json& j) { j["answers"]["ipv6_everywhere"] = 1; },
                   "at answers/ipv6_everywhere: not true or false: 1"},
        FaultyCase{"ScoreAText", [](json& j) { j["scores"][3][1] = "20"; }, "at scores/3/1: not a number"},
        FaultyCase{"ScoresOutOfOrder", [](json& j) { std::swap(j["scores"][3], j["scores"][4]); },
                   "at scores/4: out of order, or twice"},
        FaultyCase{"ScoreWithoutNumber", [](json& j) { j["scores"][3].erase(1); }, "at scores/3: not an array of 2"},
        FaultyCase{"NoAddress", [](json& j) { j["servers"][5][0] = "192.0.2"; },
                   "at servers/5/0: no address: \"192.0.2\""},
        FaultyCase{"NoVerdict", [](json& j) { j["servers"][5][2] = "perhaps"; },
                   "at servers/5/2: no verdict: \"perhaps\""},
        FaultyCase{"RampAboveOne", [](json& j) { j["servers"][5][4] = 1.5; },
                   "at servers/5/4: not a number from 0 to 1"},
        FaultyCase{"ServerTwice", [](json& j) { j["servers"][6] = j["servers"][5]; },
                   "at servers/6: out of order, or twice"},
        FaultyCase{"WeightZero", [](json& j) { j["zones"][0]["servers"][1][2] = 0; },
                   "at zones/0/servers/1/2: not an integer from 1 to 4294967295"},
        FaultyCase{"PartFour", [](json& j) { j["zones"][0]["servers"][1][3] = 4; },
                   "at zones/0/servers/1/3: not an integer from 0 to 3"},
        FaultyCase{"OtherFamily", [](json& j) { j["zones"][0]["servers"][0][0] = "::1"; },
                   "at zones/0/servers/0/0: of the other family"},
        FaultyCase{"NoFamily", [](json& j) { j["zones"][0]["family"] = "ipv5"; }, "at zones/0/family: neither"},
        FaultyCase{"EmptyZone", [](json& j) { j["zones"][0]["servers"] = json::array(); },
                   "at zones/0/servers: there are none"},
        FaultyCase{"ZoneTwice", [](json& j) { j["zones"].push_back(j["zones"][0]); }, "out of order, or twice"},
        FaultyCase{"ShareAboveOne", [](json& j) { j["after"]["ipv4"]["servers"][0][1] = 1.1; },
                   "at after/ipv4/servers/0/1: not a number from 0 to"},
        FaultyCase{"ShareOfAZone", [](json& j) { j["after"]["ipv4"]["zones"]["de"] = -0.1; },
                   "at after/ipv4/zones/de: not a number from 0 to"},
        FaultyCase{"NoIpv6", [](json& j) { j["before"].erase("ipv6"); }, "at before: \"ipv6\" is missing"},
        FaultyCase{"ChangeOfWeight", [](json& j) { j["server_changes"][0]["weight"] = json::array({1}); },
                   "at server_changes/0/weight: not an array of 2"},
        FaultyCase{"ChangeOfZone", [](json& j) { j["zone_changes"][0]["moved"] = -1; },
                   "at zone_changes/0/moved: not an integer from 0"},
        FaultyCase{"NoRule", [](json& j) { j["objections"][0]["rule"] = "taste"; },
                   "at objections/0/rule: no rule of the guard: \"taste\""},
        FaultyCase{"FormatOfBefore", [](json& j) { j["format"] = "anytick plan 1"; }, ": no such key"},
        FaultyCase{"NoData", [](json& j) { j.erase("data"); }, "\"data\" is missing"},
        FaultyCase{"NoKindOfChange", [](json& j) { j["data_changes"][0]["kind"] = "taste"; },
                   "at data_changes/0/kind: no kind of change: \"taste\""},
        FaultyCase{"RootTwice", [](json& j) { j["data"]["roots"].push_back(j["data"]["roots"][0]); },
                   "at data/roots/1: out of order, or twice"},
        FaultyCase{"ShortDigest", [](json& j) { j["data"]["tree_digest"] = ""; }, "at data/tree_digest: no SHA-256"},
        FaultyCase{"PolicyNoText", [](json& j) { j["query_policy"] = nullptr; }, "at query_policy: not a text: null"}),
    [](const auto& i) { return i.param.name; });

TEST(PlanJson, IsRefusedWhereItIsNoJson) {
  const std::string text = plan_json(eventful_plan(38));
  EXPECT_FALSE(read_plan("", "plan.json"));
  EXPECT_FALSE(read_plan(text.substr(0, text.size() / 2), "plan.json"));
  std::string twice = text;
  twice.insert(2, "\"serial\": 2,");
  const auto back = read_plan(twice, "plan.json");
  ASSERT_FALSE(back);
  EXPECT_NE(back.refusal().text().find("this key stands twice"), std::string::npos) << back.refusal().text();
}

// Any number that somebody turned in the file is noticed.
TEST(PlanJson, ChecksumCoversEverything) {
  const json good = json::parse(plan_json(eventful_plan(39)));
  for (const auto& [key, value] : good.items()) {
    if (key == "checksum") continue;
    json document = good;
    document[key] = "?";
    EXPECT_NE(plan_checksum(document), good["checksum"]) << key;
  }
  EXPECT_EQ(plan_checksum(good), good["checksum"]);
}

} // namespace
} // namespace anytick::plan::test
