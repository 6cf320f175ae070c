#include "control/plan/plan_text.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "control/plan/text_table.h"
#include "plan_world.h"

namespace anytick::plan::test {
namespace {

using selection::Verdict;

Plan small_plan() {
  Plan plan;
  plan.serial = 43;
  plan.base = 42;
  plan.created = 1'795'348'800;
  plan.image_digest = std::string(64, 'a');
  plan.selection.servers = judged("192.0.2.1 low_score 8.3\n192.0.2.2 in 20\n192.0.2.3 in 20\n192.0.2.4 no_score");
  plan.before[0].servers = {{address("192.0.2.1"), 0.6}, {address("192.0.2.3"), 0.4}};
  plan.after[0].servers = {{address("192.0.2.2"), 0.25}, {address("192.0.2.3"), 0.75}};
  plan.before[0].zones = {{"@", 0.9}, {"de", 0.1}};
  plan.after[0].zones = {{"@", 1}};
  plan.before[0].accounts = {{1, 0.6}, {2, 0.4}};
  plan.after[0].accounts = {{1, 0.25}, {2, 0.75}};
  plan.servers = {{address("192.0.2.1"), 1, Verdict::in, Verdict::low_score, 8.3, false, false, "de", 50000, 0},
                  {address("192.0.2.2"), 1, Verdict::unverified, Verdict::in, 20.0, true, false, "@", 0, 10000},
                  {address("192.0.2.3"), 2, Verdict::in, Verdict::in, 20.0, false, false, "@", 10000, 30000}};
  plan.zones = {{"@", geo::Family::ipv4, 2, 2, 1, 1, 0, 60000, 40000},
                {"de", geo::Family::ipv4, 1, 0, 1, 0, 0, 50000, 0}};
  plan.objections = {
      {Objection::Rule::zone_emptied, "de",
       "zone de, IPv4: had 1 server and would have none. The guard lets no zone be emptied (zone_emptied). "
       "\"--force --reason TEXT\" overrides it."}};
  return plan;
}

TEST(PlanText, IsReadFromTheTop) {
  const TextOptions options{.accounts = {{1, "Example\x1b[31m"}, {2, "A name that is longer than there is room"}}};
  EXPECT_EQ(plan_text(small_plan(), options), R"(plan 43 to follow 42, of 2026-11-22T12:00:00Z
  image aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
  2 of 4 servers are in, 2 were; 1 leave, 1 come in, 1 change weight; 2 zones change

servers that leave (1)
  server     account       why        score  zone      weight                share
  192.0.2.1  Example?[31m  low_score    8.3  de    50000 -> 0  60.000 % -> 0.000 %  -60.000

servers that come in (1)
  server     account       why  score  zone      weight                share
  192.0.2.2  Example?[31m  new   20.0  @     0 -> 10000  0.000 % -> 25.000 %  +25.000

servers that change weight (1)
  server     account                   why  score  zone          weight                 share
  192.0.2.3  A name that is longer...        20.0  @     10000 -> 30000  40.000 % -> 75.000 %  +35.000

zones that change (2)
  zone        servers  out/in/moved                      capacity       share of queries
  de    IPv4   1 -> 0  -1 +0 ~0          50.00 Mbit/s -> 0 kbit/s    10.000 % -> 0.000 %  -10.000
  @     IPv4   2 -> 2  -1 +1 ~0      60.00 Mbit/s -> 40.00 Mbit/s  90.000 % -> 100.000 %  +10.000

accounts whose share changes (2)
  account                                        share
  Example?[31m              IPv4  60.000 % -> 25.000 %  -35.000
  A name that is longer...  IPv4  40.000 % -> 75.000 %  +35.000

the guard objects (1)
  zone de, IPv4: had 1 server and would have none. The guard lets no zone be emptied (zone_emptied).
  "--force --reason TEXT" overrides it.
)");
}

Plan plan_without_changes() {
  Plan plan = small_plan();
  plan.servers.clear();
  plan.zones.clear();
  plan.objections.clear();
  plan.before = plan.after;
  return plan;
}

TEST(PlanText, OfNothing) {
  Plan plan = plan_without_changes();
  plan.base.reset();
  EXPECT_EQ(plan_text(plan, {}), R"(plan 43 before which nothing was pushed, of 2026-11-22T12:00:00Z
  image aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
  2 of 4 servers are in, 2 were; 0 leave, 0 come in, 0 change weight; 0 zones change
  nothing changes

the guard has no objection
)");
}

TEST(PlanText, OfWhatIsNotOfServers) {
  Plan plan = plan_without_changes();
  plan.data_changes = {{DataChange::Kind::root_removed, "time.example", "root time.example is gone"},
                       {DataChange::Kind::query_policy, "", "the query policy changes"}};
  EXPECT_EQ(plan_text(plan, {}), R"(plan 43 to follow 42, of 2026-11-22T12:00:00Z
  image aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
  2 of 4 servers are in, 2 were; 0 leave, 0 come in, 0 change weight; 0 zones change
  root time.example is gone
  the query policy changes

the guard has no objection
)");
  EXPECT_EQ(plan_summary(plan), "plan 43 on 42: 2 of 4 servers in, 0 leave, 0 come in, 0 change weight, 0 zones "
                                "change, 2 other changes, no objections");
}

TEST(PlanText, SummaryIsOneLine) {
  EXPECT_EQ(plan_summary(small_plan()),
            "plan 43 on 42: 2 of 4 servers in, 1 leave, 1 come in, 1 change weight, 2 zones "
            "change, 1 objection: zone_emptied");
  Plan plan = small_plan();
  plan.objections.clear();
  plan.base.reset();
  EXPECT_EQ(plan_summary(plan), "plan 43 on nothing: 2 of 4 servers in, 1 leave, 1 come in, 1 change weight, 2 zones "
                                "change, no objections");
}

size_t count_of(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++count;
  return count;
}

// Of a large plan the most important rows, of which none is wider than a terminal.
TEST(PlanText, CutsTablesUnlessToldOtherwise) {
  PlanWorld world(41);
  const MadePlan first = world.make();
  for (auto& [server, score] : world.scores) score = 2;
  const Plan plan = world.make(&first.plan, 2).plan;
  size_t leave = 0;
  for (const ServerChange& each : plan.servers) leave += each.after == Verdict::low_score ? 1 : 0;
  ASSERT_GT(leave, 30u);
  const std::string cut = plan_text(plan, {.top = 5}), all = plan_text(plan, {.top = 0});
  EXPECT_EQ(count_of(cut, " low_score "), 5u);
  EXPECT_EQ(count_of(all, " low_score "), leave);
  EXPECT_NE(cut.find("; the 5 that matter most, --all for all of them)"), std::string::npos);
  EXPECT_EQ(all.find("--all"), std::string::npos);
  std::istringstream lines(cut);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 120u) << line;
  // The foremost row is the one whose share changes most.
  double most = 0;
  geo::Address foremost;
  for (const auto& family : plan.before)
    for (const auto& [server, share] : family.servers)
      if (share > most) most = share, foremost = server;
  EXPECT_LT(cut.find(geo::to_text(foremost)), cut.find("zones that change"));
}

struct NameCase {
  const char* name;
  const char* from;
  size_t characters;
  const char* shown;
};

class Shown : public testing::TestWithParam<NameCase> {};

TEST_P(Shown, AsANameIs) {
  EXPECT_EQ(shown_name(GetParam().from, GetParam().characters), GetParam().shown);
}

INSTANTIATE_TEST_SUITE_P(TextTable, Shown,
                         testing::Values(NameCase{"Fits", "abcdef", 6, "abcdef"},
                                         NameCase{"DoesNot", "abcdefg", 6, "abc..."},
                                         NameCase{"Controls", "a\x1b[1mb\n\x7f", 20, "a?[1mb??"},
                                         NameCase{"CharactersNotBytes", "äöüßéè", 6, "äöüßéè"},
                                         NameCase{"CutBetweenCharacters", "äöüßéèç", 6, "äöü..."},
                                         NameCase{"Empty", "", 6, ""}),
                         [](const auto& i) { return i.param.name; });

TEST(TextTable, WrapsAtWords) {
  EXPECT_EQ(wrapped("one two  three four", "  ", 10), "  one two\n  three\n  four\n");
  EXPECT_EQ(wrapped("overlongword x", " ", 5), " overlongword\n x\n");
}

TEST(TextTable, HasUnits) {
  EXPECT_EQ(capacity_text(0), "0 kbit/s");
  EXPECT_EQ(capacity_text(999), "999 kbit/s");
  EXPECT_EQ(capacity_text(1500), "1.50 Mbit/s");
  EXPECT_EQ(capacity_text(12'345'678), "12.35 Gbit/s");
  EXPECT_EQ(percent_text(0.12345678), "12.346 %");
}

} // namespace
} // namespace anytick::plan::test
