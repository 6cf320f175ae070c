#include <fmt/format.h>

#include "control/delivery/fleet.h"
#include "control/registry/audit.h"
#include "control/registry/pops.h"
#include "control/text.h"
#include "delivery_hub.h"

namespace anytick::test {
namespace {

using delivery::Delivery;
using delivery::DeliveryState;
using delivery::Outcome;
using delivery::PushState;
using Wrong = FakePop::Wrong;
using std::chrono::milliseconds;

class Pushes : public WithPops {
 protected:
  int64_t current_serial() {
    const auto current = hub_.current();
    return current ? current->serial : 0;
  }
};
INSTANTIATE_TEST_SUITE_P(Engines, Pushes, both_engines, engine_name);

TEST_P(Pushes, AllPopsRunIt) {
  std::vector<std::string> told;
  hub_.desk().told = [&](const Delivery& each) { told.push_back(each.pop); };
  const Outcome outcome = push(1);
  EXPECT_EQ(outcome.push.state, PushState::done);
  EXPECT_EQ(text_of(outcome.deliveries), "a applied, b applied, c applied");
  EXPECT_EQ(text_of(hub_.deliveries(outcome.push.id)), "a applied, b applied, c applied");
  EXPECT_EQ(serials(), "1 1 1");
  EXPECT_EQ(current_serial(), 1);
  EXPECT_EQ(told.size(), 3u);
  EXPECT_EQ(pop(0).last_begin()->confirm_seconds(), 0u);
  EXPECT_FALSE(hub_.open());
  EXPECT_EQ(push(2).push.previous, 1);
  EXPECT_EQ(serials(), "2 2 2");
}

TEST_P(Pushes, TellsWhoRunsItButCannotStoreIt) {
  pop(1).set(Wrong::stores_nothing);
  const Outcome outcome = push(1);
  EXPECT_EQ(outcome.push.state, PushState::done);
  EXPECT_EQ(outcome.deliveries[0].detail, "");
  EXPECT_EQ(outcome.deliveries[1].detail, "runs, but is not stored: disk full");
}

TEST_P(Pushes, RemembersWhoCannotStoreIt) {
  pop(1).set(Wrong::stores_nothing);
  push(1);
  const std::string unstored = "runs, but is not stored: disk full";
  EXPECT_FALSE(delivery::retry(hub_.desk()));
  EXPECT_EQ(hub_.deliveries(hub_.current()->id)[1].detail, unstored);
  EXPECT_EQ(delivery::resume(hub_.desk(), {}).deliveries[1].detail, unstored);
  pop(1).set(Wrong::nothing);
  EXPECT_EQ(push(2).deliveries[1].detail, "");
}

TEST_P(Pushes, WhatRunsAfterARestartIsStored) {
  pop(1).set(Wrong::stores_nothing);
  ASSERT_EQ(push(1).deliveries[1].detail, "runs, but is not stored: disk full");
  pop(1).restart();
  EXPECT_FALSE(delivery::retry(hub_.desk())) << "the fake stores what it says that it does not";
  EXPECT_EQ(hub_.deliveries(hub_.current()->id)[1].detail, "");
}

TEST_P(Pushes, SendsOnlyWhatAPopDoesNotRun) {
  push(1);
  auto request = hub_.request(2);
  request.revision.query_policy = query_policy_of(1);
  EXPECT_EQ(delivery::push(hub_.desk(), request).push.state, PushState::done);
  EXPECT_EQ(pop(0).last_begin()->tables_size(), 1);
  EXPECT_EQ(delivery::resume(hub_.desk(), {}).push.state, PushState::done);
  EXPECT_EQ(pop(0).loads(), 2u) << "it ran all of it";
  request = hub_.request(3);
  request.revision.query_policy = "";
  EXPECT_EQ(delivery::push(hub_.desk(), request).push.state, PushState::done);
  EXPECT_EQ(pop(0).last_begin()->tables_size(), 2) << "a policy that runs is taken away";
  EXPECT_EQ(pop(0).table(v1::TABLE_KIND_POLICY), "");
}

TEST_P(Pushes, APlanThatNoLongerMatchesIsRefused) {
  auto late = hub_.request(2);
  push(1);
  EXPECT_EQ(fault_of([&] { delivery::push(hub_.desk(), late); }),
            "the plan no longer matches: it was compared with nothing, and serial 1 is current; make a new one and "
            "review that");
  auto other = hub_.request(3);
  hub_.database().transact([](soci::session& sql) {
    registry::change_pop(sql, {"x", "", test_time}, "a", {.canary = false});
  });
  EXPECT_EQ(fault_of([&] { delivery::push(hub_.desk(), other); }),
            "the registry was changed while the plan was verified: try again");
  auto low = hub_.request(1);
  EXPECT_EQ(fault_of([&] { delivery::push(hub_.desk(), low); }), "serial 1 is not greater than 1, which was pushed");
  EXPECT_EQ(serials(), "1 1 1");
  EXPECT_EQ(pop(1).loads(), 1u);
}

TEST_P(Pushes, WhatTheGuardRefusesNeedsForceAndAReason) {
  auto request = hub_.request(1);
  request.objections = {"zone de: 40 % of its servers would go (zone_servers_removed)"};
  EXPECT_THROW(delivery::push(hub_.desk(), request), delivery::Guarded);
  request.forced = true;
  EXPECT_EQ(fault_of([&] { delivery::push(hub_.desk(), request); }), "what is forced needs a reason");
  EXPECT_EQ(pop(0).loads(), 0u);
  request.actor.reason = "the monitors are right";
  const Outcome outcome = delivery::push(hub_.desk(), request);
  EXPECT_EQ(outcome.push.state, PushState::done);
  EXPECT_TRUE(outcome.push.forced);
  hub_.database().read([&](soci::session& sql) {
    const auto entries = registry::read_audit(sql, {.kind = "push"});
    ASSERT_EQ(entries.size(), 1u);
    EXPECT_EQ(entries[0].action + entries[0].what + entries[0].reason, "force1the monitors are right");
  });
}

TEST_P(Pushes, NobodyElseRollsOutMeanwhile) {
  HubDesk other(empty_.open(), test_time);
  std::string fault;
  hub_.desk().told = [&](const Delivery&) {
    if (fault.empty()) fault = fault_of([&] { delivery::push(other.desk(), other.request(2)); });
  };
  EXPECT_EQ(push(1).push.state, PushState::done);
  EXPECT_EQ(fault, "test is rolling out; if it died, its lease ends in 60 s");
  EXPECT_EQ(serials(), "1 1 1");
  // Given back at its end.
  EXPECT_EQ(delivery::push(other.desk(), other.request(2)).push.state, PushState::done);
}

TEST_P(Pushes, WhoHasPatienceWaitsForTheLease) {
  HubDesk other(empty_.open(), test_time);
  const auto lease = delivery::Lease::take(other.database(), "other", other.desk().clock);
  std::vector<std::string> told;
  hub_.desk().waits = [&](const std::string& who) { told.push_back(who); };
  EXPECT_THROW(delivery::recover(hub_.desk()), delivery::LeaseTaken);
  EXPECT_EQ(hub_.now(), test_time);
  EXPECT_TRUE(told.empty());
  hub_.desk().lease_patience = std::chrono::seconds(90);
  EXPECT_FALSE(delivery::recover(hub_.desk())) << "nothing was left";
  EXPECT_EQ(hub_.now(), test_time + delivery::Lease::lease_seconds) << "then it has run out";
  EXPECT_EQ(told, std::vector<std::string>{"other is rolling out; if it died, its lease ends in 60 s"});
}

TEST_P(Pushes, WhoLostTheLeaseEndsAtOnce) {
  HubDesk other(empty_.open(), test_time + 61);
  hub_.desk().threads = 1;
  std::unique_ptr<delivery::Lease> stolen;
  hub_.desk().told = [&](const Delivery&) {
    if (!stolen) stolen = delivery::Lease::take(other.database(), "other", other.desk().clock);
  };
  EXPECT_THROW(push(1), delivery::LeaseLost);
  EXPECT_EQ(serial_at(2), 0) << "the last of the POPs was not asked any more";
  stolen.reset();
  const auto found = delivery::recover(other.desk());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->push.state, PushState::partial);
}

struct FaultyCase {
  const char* name;
  Wrong wrong;
  const char* deliveries; ///< of POP b
  int64_t runs;           ///< what b runs then
};

const FaultyCase faulty_cases[] = {
    {"refuses", Wrong::refuses, "refused: out of memory", 1},
    {"dies_midway", Wrong::dies_midway, "away: Socket closed", 1},
    {"dies_applied", Wrong::dies_applied, "away: Socket closed", 2},
    {"hangs", Wrong::hangs, "away: Deadline Exceeded; it runs serial 1", 1},
    {"dies_asked", Wrong::dies_asked, "away: Socket closed", 1},
    {"lies", Wrong::lies, "refused: it says that it was applied, but runs serial 1", 1},
};

TEST_P(Pushes, APopThatFailsIsTold) {
  int64_t serial = 1;
  for (const FaultyCase& each : faulty_cases) {
    SCOPED_TRACE(each.name);
    push(serial);
    pop(1).set(each.wrong);
    hub_.desk().patience.load = milliseconds(each.wrong == Wrong::hangs ? 300 : 20'000);
    const Outcome outcome = push(++serial);
    EXPECT_EQ(outcome.push.state, PushState::partial);
    EXPECT_EQ(current_serial(), serial);
    ASSERT_EQ(outcome.deliveries.size(), 3u);
    std::string expected = "b " + std::string(each.deliveries);
    if (const size_t at = expected.find("runs serial 1"); at != std::string::npos)
      expected.replace(at, expected.npos, fmt::format("runs serial {}", serial - 1));
    EXPECT_EQ(text_of({outcome.deliveries[1]}, true).substr(0, expected.size()), expected);
    EXPECT_EQ(serial_at(0), serial);
    EXPECT_EQ(serial_at(1), each.runs == 1 ? serial - 1 : serial);
    pop(1).set(Wrong::nothing);
    if (each.deliveries[0] == 'a' && each.wrong != Wrong::hangs) pop(1).restart();
    const bool was_away = outcome.deliveries[1].state == DeliveryState::away;
    const auto retried = delivery::retry(hub_.desk());
    EXPECT_EQ(retried.has_value(), was_away) << "what is refused is not tried again by itself";
    EXPECT_EQ(delivery::resume(hub_.desk(), {}).push.state, PushState::done);
    EXPECT_EQ(serial_at(1), serial);
    ++serial;
  }
}

TEST_P(Pushes, WhereAllRefuseItFails) {
  push(1);
  for (size_t i = 0; i < 3; ++i) pop(i).set(Wrong::refuses);
  const Outcome outcome = push(2);
  EXPECT_EQ(outcome.push.state, PushState::failed);
  EXPECT_EQ(outcome.push.detail, "3 refused");
  EXPECT_EQ(current_serial(), 1);
  EXPECT_EQ(serials(), "1 1 1");
  for (size_t i = 0; i < 3; ++i) pop(i).set(Wrong::nothing);
  EXPECT_EQ(push(3).push.state, PushState::done);
}

TEST_P(Pushes, WhereAllAreAwayItIsCurrent) {
  for (size_t i = 0; i < 3; ++i) pop(i).die();
  EXPECT_EQ(push(1).push.state, PushState::partial);
  for (size_t i = 0; i < 3; ++i) pop(i).restart();
  const auto retried = delivery::retry(hub_.desk());
  ASSERT_TRUE(retried);
  EXPECT_EQ(retried->push.state, PushState::done);
  EXPECT_EQ(serials(), "1 1 1");
  EXPECT_FALSE(delivery::retry(hub_.desk()));
}

TEST_P(Pushes, OnlyToSomePops) {
  EXPECT_EQ(fault_of([&] { push(1, {.pops = {"b", "x"}}); }), "there is no enabled POP 'x'");
  const Outcome outcome = push(1, {.pops = {"b"}});
  EXPECT_EQ(text_of(outcome.deliveries), "a waiting, b applied, c waiting");
  EXPECT_EQ(outcome.push.state, PushState::partial);
  EXPECT_FALSE(delivery::retry(hub_.desk())) << "they were not meant";
  EXPECT_EQ(text_of(delivery::resume(hub_.desk(), {"c"}).deliveries), "a waiting, b applied, c applied");
  EXPECT_EQ(delivery::resume(hub_.desk(), {}).push.state, PushState::done);
  EXPECT_EQ(serials(), "1 1 1");
}

TEST_P(Pushes, PopsComeAndGo) {
  push(1);
  FakePop fresh("unix:" + directory_.file("fresh.sock"));
  hub_.database().transact([&](soci::session& sql) {
    const registry::Actor actor{"test", "", test_time};
    registry::add_pop(sql, actor, {.name = "d", .target = "unix:" + directory_.file("fresh.sock"), .tls_name = ""});
    registry::change_pop(sql, actor, "a", {.enabled = false});
    registry::remove_pop(sql, actor, "b");
  });
  const auto retried = delivery::retry(hub_.desk());
  ASSERT_TRUE(retried);
  EXPECT_EQ(text_of(retried->deliveries), "a left, b left, c applied, d applied");
  EXPECT_EQ(retried->push.state, PushState::done);
}

TEST_P(Pushes, ARollbackIsPushedAndHeld) {
  push(1);
  push(2);
  const registry::Actor actor{"test", "2 is wrong", test_time};
  EXPECT_EQ(fault_of([&] {
              delivery::rollback(hub_.desk(), 1, {"test", "", test_time}, {});
            }),
            "a rollback needs a reason");
  EXPECT_EQ(fault_of([&] { delivery::rollback(hub_.desk(), 7, actor, {}); }), "there is no revision 7");
  EXPECT_EQ(fault_of([&] { delivery::rollback(hub_.desk(), 2, actor, {}); }).substr(0, 19), "serial 2 is current");
  const Outcome outcome = delivery::rollback(hub_.desk(), 1, actor, {});
  EXPECT_EQ(outcome.push.state, PushState::done);
  EXPECT_EQ(outcome.push.previous, 2);
  EXPECT_EQ(serials(), "1 1 1");
  EXPECT_EQ(current_serial(), 1);
  hub_.database().read([&](soci::session& sql) {
    EXPECT_EQ(delivery::read_hold(sql)->reason, "2 is wrong");
    EXPECT_EQ(delivery::list_pushes(sql, 0).size(), 3u);
    EXPECT_EQ(delivery::next_serial(sql, 0, 0), 3);
  });
  push(3);
  hub_.database().read([&](soci::session& sql) { EXPECT_FALSE(delivery::read_hold(sql)); });
}

TEST_P(Pushes, WhatIsPrunedIsStillKnown) {
  for (int64_t serial = 1; serial <= 4; ++serial) push(serial);
  hub_.database().transact([](soci::session& sql) {
    EXPECT_EQ(delivery::prune_revisions(sql, 1, {3}), 2u);
    EXPECT_EQ(delivery::prune_revisions(sql, 1, {3}), 0u);
    EXPECT_EQ(delivery::read_plan(sql, 3), R"({"serial": 3})");
    EXPECT_EQ(delivery::get_revision(sql, 3).query_policy, query_policy_of(3));
    EXPECT_EQ(delivery::get_revision(sql, 1).query_policy, "");
    EXPECT_EQ(delivery::read_image(sql, 3), image_of(3));
    EXPECT_THROW(delivery::read_image(sql, 1), delivery::Fault);
    EXPECT_EQ(delivery::find_revision_by_digest(sql, control::hex_text(digest_of(image_of(1))))->serial, 1);
  });
  EXPECT_EQ(fault_of([&] {
              delivery::rollback(hub_.desk(), 1, {"test", "why", test_time}, {});
            }),
            "revision 1 was pruned: its plan and image are gone");
  EXPECT_EQ(delivery::rollback(hub_.desk(), 3, {"test", "why", test_time}, {}).push.state, PushState::done);
}

TEST_P(Pushes, WhatAPopMayRunIsNotPruned) {
  push(1);
  pop(2).die();
  for (int64_t serial = 2; serial <= 4; ++serial) push(serial);
  const auto whole = [&] {
    std::string text;
    hub_.database().read([&](soci::session& sql) {
      text.clear();
      for (int64_t serial = 1; serial <= 4; ++serial)
        if (delivery::get_revision(sql, serial).is_whole) text += std::to_string(serial);
    });
    return text;
  };
  EXPECT_EQ(delivery::prune(hub_.desk(), 1), 1u);
  EXPECT_EQ(whole(), "134") << "what is current, what was before it, and what the POP ran that is away";
  pop(2).restart();
  EXPECT_EQ(delivery::prune(hub_.desk(), 1), 0u) << "it runs it still";
  delivery::resume(hub_.desk(), {});
  EXPECT_EQ(delivery::prune(hub_.desk(), 1), 1u);
  EXPECT_EQ(whole(), "34");
}

TEST_P(Pushes, WhatBecameOfOldOnesIsPruned) {
  push(1);
  pop(2).die();
  for (int64_t serial = 2; serial <= 4; ++serial) push(serial);
  hub_.pass(1000);
  push(5);
  const auto prune = [&](int64_t before, size_t most) {
    size_t dropped = 0;
    hub_.database().transact([&](soci::session& sql) { dropped = delivery::prune_pushes(sql, before, most); });
    return dropped;
  };
  const auto kept = [&] {
    std::string text;
    hub_.database().read([&](soci::session& sql) {
      text.clear();
      for (const delivery::Push& each : delivery::list_pushes(sql, 0)) {
        text += std::to_string(each.serial);
        EXPECT_EQ(delivery::list_deliveries(sql, each.id).size(), 3u);
      }
      int64_t rows = 0;
      sql << "SELECT COUNT(*) FROM deliveries", soci::into(rows);
      EXPECT_EQ(static_cast<size_t>(rows), 3 * text.size());
    });
    return text;
  };
  EXPECT_EQ(prune(test_time, 10), 0u) << "they are as old, not older";
  EXPECT_EQ(prune(test_time + 1, 1), 1u);
  EXPECT_EQ(kept(), "5431");
  EXPECT_EQ(prune(hub_.now() + 1, 10), 2u);
  EXPECT_EQ(kept(), "51") << "what is current, and what the POP ran that is away";
  pop(2).restart();
  delivery::resume(hub_.desk(), {});
  push(6, {.confirm_within = 300});
  EXPECT_EQ(prune(hub_.now() + 1, 10), 1u);
  EXPECT_EQ(kept(), "65") << "what POPs go back to";
  delivery::revert(hub_.desk(), {"test", "", test_time});
  EXPECT_EQ(prune(hub_.now() + 1, 10), 0u);
  EXPECT_EQ(current_serial(), 5);
  EXPECT_EQ(serials(), "5 5 5");
}

TEST_P(Pushes, WhoRunsSomethingElseByNowGetsIt) {
  push(1);
  EXPECT_FALSE(delivery::retry(hub_.desk())) << "all is well";
  push(2);
  pop(1).forget();
  pop(2).die();
  const auto outcome = delivery::retry(hub_.desk());
  ASSERT_TRUE(outcome);
  EXPECT_EQ(text_of(outcome->deliveries), "a applied, b applied, c applied") << "of c nothing is known";
  EXPECT_EQ(serials(), "2 2 2");
  EXPECT_EQ(pop(0).loads(), 2u);
}

TEST_P(Pushes, APopThatCannotBeCalledStopsNobody) {
  push(1);
  hub_.database().transact([](soci::session& sql) {
    registry::add_pop(sql, {"test", "", test_time}, {.name = "d", .target = "192.0.2.1:8953", .tls_name = ""});
  });
  EXPECT_NE(fault_of([&] { push(2); }).find("hub.toml has no [tls]"), std::string::npos);
  EXPECT_EQ(text_of(delivery::resume(hub_.desk(), {}).deliveries), "a applied, b applied, c applied, d refused");
  EXPECT_EQ(delivery::ask_fleet(hub_.desk(), std::nullopt).pops.size(), 4u);
}

TEST_P(Pushes, SerialsGrow) {
  hub_.database().read([](soci::session& sql) {
    EXPECT_EQ(delivery::next_serial(sql, 0, 100), 100);
    EXPECT_EQ(delivery::next_serial(sql, 2000, 100), 2001);
  });
  push(300);
  hub_.database().read([](soci::session& sql) {
    EXPECT_EQ(delivery::next_serial(sql, 0, 100), 301);
    EXPECT_EQ(delivery::next_serial(sql, 200, 500), 500);
  });
}

TEST_P(Pushes, TheFleetSaysWhatItRuns) {
  push(1);
  pop(1).die();
  push(2);
  pop(1).restart();
  pop(2).die();
  const delivery::FleetReport report = delivery::ask_fleet(hub_.desk(), milliseconds(1));
  ASSERT_EQ(report.pops.size(), 3u);
  EXPECT_EQ(report.pops[0].serial, 2);
  EXPECT_EQ(report.pops[1].serial, 1);
  EXPECT_FALSE(report.pops[2].serial);
  EXPECT_TRUE(report.pops[2].status.is_away);
  EXPECT_EQ(report.pops[2].status.why, "Socket closed");
  EXPECT_GT(report.pops[0].answers_a_second.value_or(0), 0);
  EXPECT_EQ(report.current->serial, 2);
  EXPECT_EQ(delivery::greatest_running(report), 2);
  EXPECT_EQ(delivery::running_serials(report), (std::set<int64_t>{1, 2}));
}

} // namespace
} // namespace anytick::test
