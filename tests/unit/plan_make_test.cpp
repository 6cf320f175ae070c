#include "control/plan/make_plan.h"

#include <gtest/gtest.h>

#include "control/plan/data_changes.h"
#include "control/plan/plan_json.h"
#include "dataplane/core/zone_image.h"
#include "plan_world.h"

namespace anytick::plan::test {
namespace {

using selection::Verdict;

TEST(MakePlan, IsTheSameForTheSame) {
  const PlanWorld one(5), other(5);
  const MadePlan first = one.make(), second = other.make();
  EXPECT_EQ(first.image, second.image);
  EXPECT_EQ(plan_json(first.plan), plan_json(second.plan));
  const MadePlan next = one.make(&first.plan, 2), again = other.make(&second.plan, 2);
  EXPECT_EQ(next.image, again.image);
  EXPECT_EQ(plan_json(next.plan), plan_json(again.plan));
}

TEST(MakePlan, HasAnImageOfItsSerial) {
  const PlanWorld world(6);
  const int64_t serial = (int64_t{1} << 32) + 7;
  const MadePlan made = world.make(nullptr, serial);
  const auto image = core::ZoneImage::validate(made.image);
  ASSERT_TRUE(image) << image.refusal().text();
  EXPECT_EQ(image->header().serial, static_cast<uint64_t>(serial));
  EXPECT_EQ(image->header().created, static_cast<uint64_t>(world.now));
  ASSERT_EQ(image->zones().size(), 1u);
  EXPECT_EQ(image->zones()[0].serial, 7u);
  EXPECT_EQ(made.plan.image_digest.size(), 64u);
  EXPECT_EQ(made.plan.registry_state, 42);
}

TEST(MakePlan, FirstHasNoBaseAndNoObjection) {
  const MadePlan made = PlanWorld(7).make();
  EXPECT_FALSE(made.plan.base);
  EXPECT_TRUE(made.plan.objections.empty());
  EXPECT_TRUE(made.plan.before[0].servers.empty());
  EXPECT_FALSE(made.plan.after[0].servers.empty());
  EXPECT_FALSE(made.plan.changes_nothing());
}

TEST(MakePlan, FirstIsGuardedUntilFeedsAreIn) {
  PlanWorld world(7);
  world.scores.clear();
  const MadePlan made = world.make();
  ASSERT_EQ(made.plan.objections.size(), 1u);
  EXPECT_EQ(made.plan.objections[0].rule, Objection::Rule::first_servers_out);
  const auto read = read_plan(plan_json(made.plan), "plan");
  ASSERT_TRUE(read) << read.refusal().text();
  EXPECT_EQ(read->plan.objections, made.plan.objections);
  world.snapshot.servers.clear();
  EXPECT_TRUE(world.make().plan.objections.empty());
}

TEST(MakePlan, ChangesNothingWhereNothingChanged) {
  const PlanWorld world(8);
  const MadePlan first = world.make();
  const MadePlan next = world.make(&first.plan, 2);
  EXPECT_TRUE(next.plan.changes_nothing());
  EXPECT_EQ(next.plan.base, 1);
  EXPECT_EQ(next.plan.before, first.plan.after);
  EXPECT_EQ(next.plan.before, next.plan.after);
  EXPECT_NE(next.plan.image_digest, first.plan.image_digest) << "the serial is another";
}

TEST(MakePlan, LeavesScoresOfStrangersOut) {
  PlanWorld world(9);
  const MadePlan made = world.make();
  world.scores[address("203.0.113.1")] = 20;
  EXPECT_EQ(plan_json(world.make().plan), plan_json(made.plan));
}

TEST(MakePlan, ComparesSharesOfOneDemand) {
  PlanWorld world(10);
  const MadePlan first = world.make();
  world.config.demand.countries = {{"de", 1}};
  const MadePlan next = world.make(&first.plan, 2);
  EXPECT_NE(next.plan.demand_digest, first.plan.demand_digest);
  EXPECT_NE(next.plan.before, first.plan.after);
  EXPECT_EQ(next.plan.before, next.plan.after) << "the servers are the same, so are their shares of today's demand";
  EXPECT_TRUE(next.plan.changes_nothing());
}

TEST(MakePlan, SharesOfThenAreByTheRulesOfThen) {
  PlanWorld world(11);
  const MadePlan first = world.make();
  world.snapshot.roots[0].max_hosts = 1;
  world.config.demand.unnumbered = 0.5;
  const MadePlan next = world.make(&first.plan, 2);
  EXPECT_EQ(first.plan.answers.max_hosts, std::vector<uint32_t>{4});
  EXPECT_EQ(next.plan.answers.max_hosts, std::vector<uint32_t>{1});
  EXPECT_NE(next.plan.before[0].servers, next.plan.after[0].servers);
}

TEST(MakePlan, KeepsInclusionFromPlanToPlan) {
  const PlanWorld world(12);
  InclusionCache inclusion;
  Sources sources = world.sources();
  sources.inclusion = &inclusion;
  const auto first = make_plan(sources, world.scores, 1, world.now);
  ASSERT_TRUE(first);
  const size_t known = inclusion.size();
  EXPECT_GT(known, 10u);
  sources.base = &first->plan;
  const auto next = make_plan(sources, world.scores, 2, world.now);
  ASSERT_TRUE(next);
  EXPECT_EQ(inclusion.size(), known);
  EXPECT_EQ(next->plan.after, world.make(&first->plan, 2).plan.after);
}

TEST(MakePlan, GuardsAgainstAnOutageOfMonitors) {
  PlanWorld world(13);
  const MadePlan first = world.make();
  world.scores.clear();
  const MadePlan next = world.make(&first.plan, 2);
  ASSERT_FALSE(next.plan.objections.empty());
  EXPECT_EQ(next.plan.objections[0].rule, Objection::Rule::servers_demoted);
  EXPECT_EQ(next.plan.objections[1].rule, Objection::Rule::zone_emptied);
}

TEST(MakePlan, CapsByTheAsOfTheMap) {
  PlanWorld world(14);
  world.config.selection.asn_share = 0.05;
  const MadePlan with = world.make();
  world.config.demand.countries = {{"de", 1}};
  const MadePlan same = world.make();
  EXPECT_TRUE(with.plan.selection.zones == same.plan.selection.zones);
  Sources without_map = world.sources();
  without_map.map = nullptr;
  const auto without = make_plan(without_map, world.scores, 1, world.now);
  ASSERT_TRUE(without);
  EXPECT_FALSE(without->plan.selection.zones == with.plan.selection.zones);
}

struct RefusedCase {
  const char* name;
  void (*spoil)(PlanWorld&);
  const char* reason;
};

class PlanRefused : public testing::TestWithParam<RefusedCase> {};

TEST_P(PlanRefused, SaysWhy) {
  PlanWorld world(15, 20);
  GetParam().spoil(world);
  const auto made = make_plan(world.sources(), world.scores, 1, world.now);
  ASSERT_FALSE(made);
  EXPECT_NE(made.refusal().text().find(GetParam().reason), std::string::npos) << made.refusal().text();
}

INSTANTIATE_TEST_SUITE_P(
    MakePlan, PlanRefused,
    testing::Values(RefusedCase{"NoRoot", [](PlanWorld& w) { w.snapshot.roots.clear(); }, "no DNS root"},
                    RefusedCase{"StaticData",
                                [](PlanWorld& w) { w.snapshot.roots[0].static_data = R"({"www": {"a": ["no"]}})"; },
                                "data/www/a"},
                    RefusedCase{"RootInsideAnother",
                                [](PlanWorld& w) {
                                  w.snapshot.roots.push_back(w.snapshot.roots[0]);
                                  w.snapshot.roots.back().origin = "inner.pool.example";
                                  w.snapshot.roots.back().static_data.clear();
                                },
                                "lies inside the zone"}),
    [](const auto& i) { return i.param.name; });

// What changes beside servers.

struct DataCase {
  const char* name;
  void (*change)(PlanWorld&);
  DataChange::Kind kind;
  const char* root;
  const char* text;
};

class PlanDataChange : public testing::TestWithParam<DataCase> {};

TEST_P(PlanDataChange, IsTold) {
  PlanWorld world(26, 20);
  world.snapshot.roots.push_back(world.snapshot.roots[0]);
  world.snapshot.roots[1].origin = "time.example";
  MadePlan base = world.make();
  note_data(base.plan, world.sources(), false);
  GetParam().change(world);
  MadePlan next = world.make(&base.plan, 2);
  EXPECT_TRUE(next.plan.changes_nothing()) << "as far as servers are meant";
  note_data(next.plan, world.sources(&base.plan), false);
  EXPECT_FALSE(next.plan.changes_nothing());
  ASSERT_EQ(next.plan.data_changes.size(), 1u);
  EXPECT_EQ(next.plan.data_changes[0].kind, GetParam().kind);
  EXPECT_EQ(next.plan.data_changes[0].root, GetParam().root);
  EXPECT_EQ(next.plan.data_changes[0].text, GetParam().text);
}

using Kind = DataChange::Kind;
INSTANTIATE_TEST_SUITE_P(
    MakePlan, PlanDataChange,
    testing::Values(
        DataCase{"RootAdded",
                 [](PlanWorld& w) {
                   w.snapshot.roots.push_back(w.snapshot.roots[1]);
                   w.snapshot.roots[2].origin = "zeit.example";
                 },
                 Kind::root_added, "zeit.example", "root zeit.example is new"},
        DataCase{"RootRemoved", [](PlanWorld& w) { w.snapshot.roots.pop_back(); }, Kind::root_removed, "time.example",
                 "root time.example is gone: nothing of it is answered"},
        DataCase{"Ttl", [](PlanWorld& w) { w.snapshot.roots[1].ttl = 300; }, Kind::root_changed, "time.example",
                 "root time.example changes: ttl 150 -> 300"},
        DataCase{"NameServers and contact",
                 [](PlanWorld& w) {
                   w.snapshot.roots[0].name_servers.pop_back();
                   w.snapshot.roots[0].contact = "dns.example";
                 },
                 Kind::root_changed, "pool.example",
                 "root pool.example changes: contact hostmaster.pool.example -> dns.example, name servers "
                 "ns1.pool.example ns2.example.net -> ns1.pool.example"},
        DataCase{"StaticData and servers of an answer",
                 [](PlanWorld& w) {
                   w.snapshot.roots[1].static_data.clear();
                   w.snapshot.roots[1].max_hosts = 2;
                 },
                 Kind::root_changed, "time.example", "root time.example changes: max_hosts 4 -> 2, static data"},
        DataCase{"Vendor", [](PlanWorld& w) { w.snapshot.vendors[0].state = registry::VendorState::suspended; },
                 Kind::root_changed, "pool.example", "root pool.example changes: vendor zones"},
        DataCase{"Tree",
                 [](PlanWorld& w) {
                   w.snapshot.tree.push_back({"zz", "europe", ""});
                 },
                 Kind::zone_names, "", "the tree has other zones"},
        DataCase{"QueryPolicy",
                 [](PlanWorld& w) { w.policy = "[[rule]]\nname = \"none\"\npattern = '^x'\naction = \"drop\"\n"; },
                 Kind::query_policy, "", "the query policy is new"}),
    [](const auto& i) {
      std::string name = i.param.name;
      std::erase(name, ' ');
      return name;
    });

TEST(PlanData, OfThePlanThatIsAsItsBaseDoesNotChange) {
  const PlanWorld world(27, 20);
  MadePlan base = world.make();
  note_data(base.plan, world.sources(), false);
  EXPECT_EQ(base.plan.data_changes.size(), 1u) << "its root is new";
  MadePlan next = world.make(&base.plan, 2);
  note_data(next.plan, world.sources(&base.plan), true);
  EXPECT_EQ(next.plan.data, base.plan.data);
  EXPECT_TRUE(next.plan.changes_nothing());
}

TEST(PlanData, IsOtherThanThatOfABaseWithout) {
  PlanWorld world(28, 20);
  const MadePlan base = world.make();
  world.snapshot.roots[0].ttl = 300;
  MadePlan next = world.make(&base.plan, 2);
  note_data(next.plan, world.sources(&base.plan), false);
  ASSERT_EQ(next.plan.data_changes.size(), 1u);
  EXPECT_EQ(next.plan.data_changes[0].text, "the zones' other data change");
}

// Verified: what a review was about is what comes out.

TEST(VerifyPlan, TakesWhatItIs) {
  const PlanWorld world(20);
  const MadePlan first = world.make();
  const MadePlan next = world.make(&first.plan, 2);
  const auto verified = verify_plan(next.plan, world.sources(&first.plan));
  ASSERT_TRUE(verified) << verified.refusal().text();
  EXPECT_EQ(verified->image, next.image);
  EXPECT_EQ(plan_json(verified->plan), plan_json(next.plan));
}

TEST(VerifyPlan, DoesNotMindWhatChangesNothing) {
  PlanWorld world(21);
  const MadePlan made = world.make();
  world.snapshot.last_audit = 43;
  world.snapshot.servers[0].note = "moved to another rack";
  EXPECT_TRUE(verify_plan(made.plan, world.sources()));
}

TEST(VerifyPlan, TakesTheScoresOfThePlan) {
  PlanWorld world(22);
  const MadePlan made = world.make();
  world.scores.clear();
  EXPECT_TRUE(verify_plan(made.plan, world.sources()));
}

struct ChangedCase {
  const char* name;
  void (*change)(PlanWorld&, Plan& base);
  const char* reason;
};

class PlanOutdated : public testing::TestWithParam<ChangedCase> {};

TEST_P(PlanOutdated, SaysWhatDiffers) {
  PlanWorld world(23);
  MadePlan base = world.make();
  const MadePlan reviewed = world.make(&base.plan, 2);
  GetParam().change(world, base.plan);
  const auto verified = verify_plan(reviewed.plan, world.sources(&base.plan));
  ASSERT_FALSE(verified);
  EXPECT_NE(verified.refusal().text().find("no longer matches"), std::string::npos);
  EXPECT_NE(verified.refusal().text().find(GetParam().reason), std::string::npos) << verified.refusal().text();
}

registry::Server& first_in(PlanWorld& world, const Plan& plan) {
  for (registry::Server& server : world.snapshot.servers)
    for (const selection::Judged& judged : plan.selection.servers)
      if (judged.address == server.address && judged.verdict == Verdict::in) return server;
  throw std::logic_error("nobody is in");
}

INSTANTIATE_TEST_SUITE_P(
    VerifyPlan, PlanOutdated,
    testing::Values(ChangedCase{"PushedSince", [](PlanWorld&, Plan& base) { base.serial = 9; },
                                "it was compared with serial 1, and serial 9 was pushed last"},
                    ChangedCase{"ServerGone",
                                [](PlanWorld& w, Plan& base) {
                                  std::erase_if(w.snapshot.servers,
                                                [gone = first_in(w, base).address](const auto& each) {
                                                  return each.address == gone;
                                                });
                                },
                                "was in, is not there"},
                    ChangedCase{"ServerMonitoredOnly", [](PlanWorld& w, Plan& base) { first_in(w, base).netspeed = 0; },
                                "was in, is monitoring"},
                    ChangedCase{"Netspeed",
                                [](PlanWorld& w, Plan& base) {
                                  registry::Server& server = first_in(w, base);
                                  server.netspeed = server.netspeed == 512 ? 3000 : 512;
                                },
                                " had weight "},
                    ChangedCase{"Vendor",
                                [](PlanWorld& w, Plan&) {
                                  w.snapshot.vendors.pop_back();
                                  w.snapshot.last_audit = 99;
                                },
                                "roots, zones or vendors have changed since (its state was 42, is 99)"},
                    ChangedCase{"Policy", [](PlanWorld& w, Plan&) { w.config.selection.ramp_floor = 0.2; },
                                "[selection] in hub.toml has changed"},
                    ChangedCase{"Demand", [](PlanWorld& w, Plan&) { w.config.demand.unnumbered = 0.3; },
                                "the demand has changed"},
                    ChangedCase{"QueryPolicy",
                                [](PlanWorld& w, Plan&) {
                                  w.policy = "[[rule]]\nname = \"none\"\npattern = '^x'\naction = \"drop\"\n";
                                },
                                "the query policy has changed"},
                    ChangedCase{"Root", [](PlanWorld& w, Plan&) { w.snapshot.roots.clear(); }, "no DNS root"}),
    [](const auto& i) { return i.param.name; });

TEST(VerifyPlan, RefusesOneWithoutABaseAfterAPush) {
  const PlanWorld world(24);
  const MadePlan made = world.make();
  const MadePlan pushed = world.make(nullptr, 5);
  const auto verified = verify_plan(made.plan, world.sources(&pushed.plan));
  ASSERT_FALSE(verified);
  EXPECT_NE(verified.refusal().text().find("compared with nothing, and serial 5 was pushed last"), std::string::npos);
}

TEST(VerifyPlan, ObjectsByTheGuardOfToday) {
  PlanWorld world(25);
  const MadePlan base = world.make();
  auto server = world.scores.begin();
  for (size_t i = 0; i < 5 && server != world.scores.end(); ++server, ++i) server->second = -50;
  const MadePlan reviewed = world.make(&base.plan, 2);
  world.config.guard.servers_demoted = 0;
  const auto verified = verify_plan(reviewed.plan, world.sources(&base.plan));
  ASSERT_TRUE(verified) << verified.refusal().text();
  EXPECT_GT(verified->plan.objections.size(), reviewed.plan.objections.size());
}

} // namespace
} // namespace anytick::plan::test
