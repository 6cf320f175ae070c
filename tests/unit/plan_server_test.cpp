#include "control/plan/explain_server.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "plan_world.h"

namespace anytick::plan::test {
namespace {

using selection::Verdict;

constexpr int64_t now = 1'795'348'800;

/// One server in de, europe and @, lent to lu, of each family's kind.
struct ServerWorld : PlanWorld {
  ServerWorld() : PlanWorld(1, 0) {
    registry::Server server;
    server.id = 1;
    server.address = address("192.0.2.1");
    server.account = 3;
    server.state = registry::ServerState::active;
    server.netspeed = 100000;
    server.zones = {"de"};
    server.zone_netspeed = {{"europe", 50000}};
    snapshot.servers = {server};
    selection.servers = judged("192.0.2.1 in 12.5");
    selection.servers[0].account = 3;
    selection.servers[0].ramp = 0.5;
    selection.zones = {
        zone("@", "192.0.2.1 50000 1\n192.0.2.2 150000 0"),
        zone("de", "192.0.2.1 50000\n192.0.2.2 50000"),
        zone("europe", "192.0.2.1 12500"),
        zone("lu", "192.0.2.1 5000 borrowed\n192.0.2.2 1"),
    };
  }

  ServerExplained explained(Verdict verdict, std::optional<double> score, ServerHistory history = {}) {
    selection.servers[0].verdict = verdict;
    selection.servers[0].score = score;
    return *explain_server(address("192.0.2.1"), sources(), selection, std::move(history), now);
  }

  selection::Selection selection;
};

scores::Standing standing(uint32_t monitor, double score, int64_t when) {
  scores::Standing made;
  made.monitor = monitor;
  made.checks = 100;
  made.score = score;
  made.recent = {{.when = when, .value = 1}};
  return made;
}

struct RuleCase {
  const char* name;
  Verdict verdict;
  std::optional<double> score;
  const char* rule;
};

class Ruled : public testing::TestWithParam<RuleCase> {};

TEST_P(Ruled, ByNumbersAndKeys) {
  ServerWorld world;
  world.snapshot.servers[0].deletion = now + 86400;
  EXPECT_EQ(world.explained(GetParam().verdict, GetParam().score).rule, GetParam().rule);
}

INSTANTIATE_TEST_SUITE_P(
    ExplainServer, Ruled,
    testing::Values(
        RuleCase{"Whole", Verdict::in, 20, "in: its score 20.00 is at least selection.enter_score = 11"},
        RuleCase{"Ramp", Verdict::in, 12.5,
                 "in: its score 12.50 is at least selection.enter_score = 11; its weight is reduced below "
                 "selection.ramp_score = 15"},
        RuleCase{"Stays", Verdict::in, 10.25,
                 "in: its score 10.25 is below selection.enter_score = 11, but it was in and stays down to "
                 "selection.leave_score = 10; its weight is reduced below selection.ramp_score = 15"},
        RuleCase{"Unverified", Verdict::unverified, {}, "out: nobody has shown that its account controls the address"},
        RuleCase{"Monitoring", Verdict::monitoring, 20, "out: its netspeed is 0, it is watched and given to nobody"},
        RuleCase{"Leaving", Verdict::leaving, 20,
                 "out: it is deleted at 2026-11-23T12:00:00Z, selection.deletion_days = 14 before that it leaves"},
        RuleCase{"NoScore", Verdict::no_score, {}, "out: no monitor has ever scored it"},
        RuleCase{"LowScore", Verdict::low_score, 8.3,
                 "out: its score 8.30 is below selection.leave_score = 10; from selection.enter_score = 11 on it comes "
                 "back"},
        RuleCase{"Recovering", Verdict::recovering, 10.5,
                 "out: its score 10.50 is below selection.enter_score = 11, which one that was out needs"}),
    [](const auto& i) { return i.param.name; });

TEST(ExplainServer, SaysHowOldTheLastScoreIs) {
  ServerHistory history;
  history.standings = {standing(1, 20, now - 9000), standing(2, 20, now - 7500)};
  EXPECT_EQ(ServerWorld().explained(Verdict::no_score, {}, std::move(history)).rule,
            "out: no monitor has a recent score of it: the newest of 2 is 2h 5m old");
}

TEST(ExplainServer, HasZonesNamesAndWeights) {
  ServerWorld world;
  const ServerExplained explained = world.explained(Verdict::in, 12.5);
  std::vector<std::string> zones;
  for (const ZoneExplained& each : explained.zones)
    zones.push_back(fmt::format("{} {}{}{} {} {} {} {:.4f} {}", each.zone, each.netspeed, each.of_zone ? " own" : "",
                                each.borrowed ? " borrowed" : "", each.ramp, each.factor, each.weight, each.share,
                                fmt::join(each.names, " ")));
  EXPECT_EQ(zones, (std::vector<std::string>{
                       "@ 100000 0.5 1 50000 0.2500 pool.example 1.pool.example",
                       "de 100000 0.5 1 50000 0.5000 de.pool.example 0.de.pool.example 1.de.pool.example "
                       "2.de.pool.example 3.de.pool.example",
                       "europe 50000 own 0.5 0.5 12500 1.0000 europe.pool.example 0.europe.pool.example "
                       "1.europe.pool.example 2.europe.pool.example 3.europe.pool.example",
                       "lu 100000 borrowed 0.5 0.1 5000 0.9998 lu.pool.example 0.lu.pool.example 1.lu.pool.example "
                       "2.lu.pool.example 3.lu.pool.example",
                   }));
  EXPECT_EQ(explained.account, "Account 3");
  EXPECT_GT(explained.share, 0);
  ASSERT_FALSE(explained.places.empty());
  double sum = 0;
  for (const PlaceShare& each : explained.places) sum += each.part;
  EXPECT_NEAR(sum, 1, 1e-9);
}

TEST(ExplainServer, KnowsNoStranger) {
  const ServerWorld world;
  EXPECT_FALSE(explain_server(address("192.0.2.99"), world.sources(), world.selection, {}, now));
}

TEST(ExplainServer, SaysWhereTheSelectionIsOlder) {
  ServerWorld world;
  world.selection = {};
  const auto explained = explain_server(address("192.0.2.1"), world.sources(), world.selection, {}, now);
  ASSERT_TRUE(explained);
  EXPECT_EQ(explained->rule, "out: it came to the registry after this selection was made");
  EXPECT_TRUE(explained->zones.empty());
  EXPECT_TRUE(explained->places.empty());
}

ServerHistory some_history(const geo::Address& server) {
  ServerHistory history;
  history.standings = {standing(12, 12.5, now - 60)};
  history.monitor_names = {{12, "deber1-abc"}};
  history.rows = {
      {.server = server, .monitor = 12, .when = now - 600, .step = {-5}, .score = 11.5, .error = "i/o timeout"},
      {.server = server, .monitor = 12, .when = now - 60, .step = {1}, .score = 12.5, .offset = 0.0012, .rtt = 20.5}};
  return history;
}

TEST(ExplainServer, IsReadFromTheTop) {
  ServerWorld world;
  const ServerExplained explained = world.explained(Verdict::in, 12.5, some_history(address("192.0.2.1")));
  const std::string text = server_text(explained, now, 3, 1);
  EXPECT_TRUE(text.starts_with(R"(server 192.0.2.1 of Account 3
  active, netspeed 100000 kbit/s, zones de
  score 12.50
  in: its score 12.50 is at least selection.enter_score = 11; its weight is reduced below selection.ramp_score
  = 15

zones
  zone              netspeed   ramp  factor  weight  of the zone
  @                   100000  0.500  1.0000   50000     25.000 %
  de                  100000  0.500  1.0000   50000     50.000 %
  europe  50000 (zone's own)  0.500  0.5000   12500    100.000 %  capped
  lu                  100000  0.500  0.1000    5000     99.980 %  borrowed
)")) << text;
  EXPECT_NE(text.find("\nexpected share of the addresses that clients are given over IPv4: "), std::string::npos)
      << text;
  EXPECT_NE(text.find("\n  and "), std::string::npos) << "not all places are shown";
  EXPECT_NE(text.find("  deber1-abc  active     100  12.50  1m 0s ago\n"), std::string::npos) << text;
  EXPECT_NE(text.find("the last 1 of 2 rows\n"), std::string::npos);
  EXPECT_NE(text.find("+1.200"), std::string::npos) << "milliseconds";
  EXPECT_EQ(text.find("timeout"), std::string::npos) << "the older row is cut";
}

TEST(ExplainServer, IsJsonToo) {
  ServerWorld world;
  const auto json =
      nlohmann::json::parse(server_json(world.explained(Verdict::in, 12.5, some_history(address("192.0.2.1")))));
  EXPECT_EQ(json["address"], "192.0.2.1");
  EXPECT_EQ(json["account"]["id"], 3);
  EXPECT_EQ(json["verdict"], "in");
  EXPECT_EQ(json["zones"].size(), 4u);
  EXPECT_EQ(json["zones"][2]["netspeed"], 50000);
  EXPECT_EQ(json["zones"][0]["names"][1], "1.pool.example");
  EXPECT_EQ(json["history"]["rows"].size(), 2u);
  EXPECT_EQ(json["history"]["rows"][0]["error"], "i/o timeout");
  EXPECT_TRUE(json["history"]["rows"][0]["offset"].is_null());
  EXPECT_EQ(json["history"]["monitors"][0]["name"], "deber1-abc");
  EXPECT_GT(json["places"].size(), 3u);
}

} // namespace
} // namespace anytick::plan::test
