#include <fmt/format.h>

#include "control/registry/audit.h"
#include "delivery_hub.h"

namespace anytick::test {
namespace {

using delivery::Delivery;
using delivery::Manner;
using delivery::Outcome;
using delivery::PushState;
using Wrong = FakePop::Wrong;

constexpr const char* same = "a %, b %, c %";

/// "a applied, b applied, c applied"
std::string all(const std::string& state) {
  std::string text = same;
  for (size_t at; (at = text.find('%')) != text.npos;) text.replace(at, 1, state);
  return text;
}

/// All POPs run serial 1 at the beginning.
class Confirms : public WithPops {
 protected:
  Confirms() { delivery::push(hub_.desk(), hub_.request(1)); }

  int64_t current_serial() { return hub_.current()->serial; }
  std::string hold_text() {
    std::optional<delivery::Hold> hold;
    hub_.database().read([&](soci::session& sql) { hold = delivery::read_hold(sql); });
    return hold ? fmt::format("{} by {}: {}", hold->serial, hold->who, hold->reason) : "none";
  }
  void expire_pops() {
    for (const auto& each : pops_) each->expire();
  }
};
INSTANTIATE_TEST_SUITE_P(Engines, Confirms, both_engines, engine_name);

const Manner five_minutes{.confirm_within = 300};
const registry::Actor actor{"test", "no good", test_time};

TEST_P(Confirms, AConfirmedPushStays) {
  const Outcome outcome = push(2, five_minutes);
  EXPECT_EQ(outcome.push.state, PushState::unconfirmed);
  EXPECT_EQ(outcome.push.confirm_by, test_time + 300);
  EXPECT_EQ(text_of(outcome.deliveries), all("unconfirmed"));
  EXPECT_EQ(pop(0).last_begin()->confirm_seconds(), 300u);
  EXPECT_EQ(serials(), "2 2 2");
  EXPECT_EQ(fault_of([&] { push(3, {}); }),
            "serial 2 waits for its confirmation until 2027-01-15T08:05:00Z: anytick confirm, or anytick confirm "
            "--revert");
  EXPECT_FALSE(delivery::retry(hub_.desk()));
  const Outcome confirmed = delivery::confirm(hub_.desk(), actor);
  EXPECT_EQ(confirmed.push.state, PushState::done);
  EXPECT_EQ(text_of(confirmed.deliveries), all("applied"));
  for (size_t i = 0; i < 3; ++i) EXPECT_FALSE(pop(i).is_unconfirmed());
  EXPECT_EQ(fault_of([&] { delivery::confirm(hub_.desk(), actor); }), "no push waits for its confirmation");
  EXPECT_EQ(push(3, {}).push.state, PushState::done);
}

TEST_P(Confirms, OneThatNobodyConfirmsIsGone) {
  push(2, five_minutes);
  expire_pops();
  hub_.pass(300);
  const auto found = delivery::recover(hub_.desk());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->push.state, PushState::expired);
  EXPECT_EQ(text_of(found->deliveries), all("gone_back"));
  EXPECT_EQ(current_serial(), 1);
  EXPECT_EQ(serials(), "1 1 1");
  EXPECT_EQ(push(3, {}).push.previous, 1);
}

TEST_P(Confirms, ItIsTooLateToConfirm) {
  push(2, five_minutes);
  hub_.pass(301);
  // Their clocks may be a little behind: then they are told.
  EXPECT_EQ(fault_of([&] { delivery::confirm(hub_.desk(), actor); }),
            "serial 2 is too late to be confirmed: its time was over at 2027-01-15T08:05:00Z; POPs run what they ran "
            "before");
  EXPECT_EQ(serials(), "1 1 1");
  EXPECT_EQ(current_serial(), 1);
}

TEST_P(Confirms, ItCanBeTakenBackAtOnce) {
  push(2, five_minutes);
  const Outcome outcome = delivery::revert(hub_.desk(), actor);
  EXPECT_EQ(outcome.push.state, PushState::reverted);
  EXPECT_EQ(outcome.push.detail, "by test: no good");
  EXPECT_EQ(serials(), "1 1 1");
  EXPECT_EQ(current_serial(), 1);
}

TEST_P(Confirms, WhoWasAwayOrWentBackGetsItForGood) {
  pop(0).die();
  const Outcome outcome = push(2, five_minutes);
  EXPECT_EQ(text_of(outcome.deliveries), "a away, b unconfirmed, c unconfirmed");
  pop(0).restart();
  pop(1).restart();
  EXPECT_EQ(serials(), "1 1 2") << "one that is started anew goes back";
  EXPECT_EQ(delivery::confirm(hub_.desk(), actor).push.state, PushState::done);
  EXPECT_EQ(serials(), "2 2 2");
}

TEST_P(Confirms, WhoIsAwayThenIsToldLater) {
  push(2, five_minutes);
  pop(1).set(Wrong::dies_confirming);
  pop(2).set(Wrong::dies_confirmed);
  const Outcome outcome = delivery::confirm(hub_.desk(), actor);
  EXPECT_EQ(outcome.push.state, PushState::partial);
  EXPECT_EQ(text_of(outcome.deliveries), "a applied, b away, c away");
  for (const size_t i : {1, 2}) {
    pop(i).set(Wrong::nothing);
    pop(i).restart();
  }
  EXPECT_EQ(serials(), "2 1 2");
  EXPECT_EQ(delivery::retry(hub_.desk())->push.state, PushState::done);
  EXPECT_EQ(serials(), "2 2 2");
}

TEST_P(Confirms, APopThatCannotGoBackDoesNotGetIt) {
  pop(1).set(Wrong::cannot_go_back);
  const Outcome outcome = push(2, five_minutes);
  EXPECT_EQ(outcome.push.state, PushState::unconfirmed);
  EXPECT_EQ(text_of({outcome.deliveries[1]}, true), "b refused: its anytickd 0.0 cannot wait for a confirmation");
  EXPECT_EQ(delivery::confirm(hub_.desk(), actor).push.state, PushState::partial);
  EXPECT_EQ(delivery::resume(hub_.desk(), {}).push.state, PushState::done);
}

TEST_P(Confirms, WhatIsTakenBackHoldsTheHub) {
  push(2, five_minutes);
  delivery::revert(hub_.desk(), {"alice", "answers are wrong", hub_.now()});
  EXPECT_EQ(hold_text(), "1 by alice: answers are wrong");
  push(3, five_minutes);
  delivery::revert(hub_.desk(), {"alice", "", hub_.now()});
  EXPECT_EQ(hold_text(), "1 by alice: 3 is reverted");
  push(4, five_minutes);
  hub_.pass(301);
  delivery::recover(hub_.desk());
  EXPECT_EQ(hold_text(), "1 by test: 4 is expired: its time was over at 2027-01-15T08:05:00Z");
}

TEST_P(Confirms, WhoConfirmsAndWhoTakesBackIsLogged) {
  push(2, five_minutes);
  delivery::confirm(hub_.desk(), {"bob", "answers are right", hub_.now()});
  push(3, five_minutes);
  delivery::revert(hub_.desk(), {"alice", "answers are wrong", hub_.now()});
  std::vector<std::string> entries;
  hub_.database().read([&](soci::session& sql) {
    entries.clear();
    for (const auto& each : registry::read_audit(sql, {.kind = "push"}))
      entries.push_back(fmt::format("{} {} by {}: {}", each.action, each.what, each.who, each.reason));
  });
  EXPECT_EQ(entries,
            (std::vector<std::string>{"confirm 2 by bob: answers are right", "revert 3 by alice: answers are wrong"}));
}

// Else POPs would have done it, and the database not.
TEST_P(Confirms, WhatTheAuditLogDoesNotTakeIsRefusedFirst) {
  push(2, five_minutes);
  for (const registry::Actor& bad :
       {registry::Actor{"alice", "two\nlines", test_time}, registry::Actor{"alice", std::string(1001, 'x'), test_time},
        registry::Actor{"", "", test_time}}) {
    EXPECT_THROW(delivery::revert(hub_.desk(), bad), registry::Fault);
    EXPECT_THROW(delivery::confirm(hub_.desk(), bad), registry::Fault);
    EXPECT_THROW(delivery::rollback(hub_.desk(), 1, bad, {}), registry::Fault);
    auto request = hub_.request(3);
    request.actor = bad;
    EXPECT_THROW(delivery::push(hub_.desk(), request), registry::Fault);
  }
  EXPECT_EQ(serials(), "2 2 2");
  EXPECT_TRUE(pop(0).is_unconfirmed());
  const std::string longest(1000, 'x');
  EXPECT_EQ(delivery::revert(hub_.desk(), {"alice", longest, test_time}).push.state, PushState::reverted);
  EXPECT_EQ(hold_text(), "1 by alice: " + longest);
}

// As after the death of who confirmed it.
TEST_P(Confirms, WhatIsConfirmedInPartIsNotTakenBack) {
  const Outcome pushed = push(2, five_minutes);
  hub_.database().transact([&](soci::session& sql) {
    delivery::Push push = delivery::get_push(sql, pushed.push.id);
    push.stage = delivery::PushStage::confirming;
    delivery::update_push(sql, push);
  });
  EXPECT_NE(fault_of([&] {
              delivery::revert(hub_.desk(), {"alice", "", hub_.now()});
            }).find("is confirmed already"),
            std::string::npos);
  EXPECT_TRUE(pop(0).is_unconfirmed()) << "nothing was done";
  EXPECT_EQ(delivery::confirm(hub_.desk(), actor).push.state, PushState::done);
  EXPECT_FALSE(pop(0).is_unconfirmed());
}

// By hand: pop push --confirm-within.
TEST_P(Confirms, WhatSomebodyTriesBesideItChangesNothing) {
  pop(1).try_by_hand(v1::TABLE_KIND_GEO, "tried");
  EXPECT_FALSE(delivery::retry(hub_.desk())) << "all of it runs";
  EXPECT_FALSE(hub_.open());
  EXPECT_EQ(hub_.current()->state, PushState::done);
  const Outcome outcome = push(2, {});
  EXPECT_EQ(outcome.push.state, PushState::partial);
  EXPECT_EQ(text_of({outcome.deliveries[1]}, true),
            "b waiting: generation 3, which is not of this push, waits for its confirmation there");
  EXPECT_EQ(serials(), "2 1 2");
  EXPECT_FALSE(delivery::retry(hub_.desk()));
  pop(1).expire();
  EXPECT_EQ(delivery::retry(hub_.desk())->push.state, PushState::done);
  EXPECT_EQ(serials(), "2 2 2");
}

TEST_P(Confirms, WhatSomebodyTriesInsteadIsLeftAlone) {
  const std::string tried = "tried";
  pop(1).try_by_hand(v1::TABLE_KIND_POLICY, tried);
  const auto found = delivery::retry(hub_.desk());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->push.state, PushState::partial);
  EXPECT_EQ(text_of(found->deliveries), "a applied, b waiting, c applied");
  EXPECT_FALSE(delivery::retry(hub_.desk())) << "which is known";
  EXPECT_EQ(delivery::resume(hub_.desk(), {}).push.state, PushState::partial);
  EXPECT_TRUE(pop(1).is_unconfirmed());
  EXPECT_EQ(pop(1).table(v1::TABLE_KIND_POLICY), tried);
  EXPECT_FALSE(hub_.open()) << "the hub goes on";
  pop(1).expire();
  EXPECT_EQ(delivery::retry(hub_.desk())->push.state, PushState::done) << "it went back to it";
  EXPECT_EQ(pop(1).loads(), 1u);
  pop(1).try_by_hand(v1::TABLE_KIND_POLICY, tried);
  delivery::retry(hub_.desk());
  pop(1).confirm_by_hand();
  EXPECT_EQ(delivery::retry(hub_.desk())->push.state, PushState::done);
  EXPECT_EQ(serials(), "1 1 1");
}

TEST_P(Confirms, WhatSomebodyTriesAfterAConfirmedPushIsNotTakenForIt) {
  push(2, five_minutes);
  ASSERT_EQ(delivery::confirm(hub_.desk(), actor).push.state, PushState::done);
  pop(0).try_by_hand(v1::TABLE_KIND_GEO, "tried");
  pop(1).try_by_hand(v1::TABLE_KIND_POLICY, "tried");
  for (int i = 0; i < 3; ++i) delivery::retry(hub_.desk());
  delivery::resume(hub_.desk(), {});
  EXPECT_EQ(hub_.current()->state, PushState::partial);
  EXPECT_EQ(text_of(hub_.deliveries(hub_.current()->id)), "a applied, b waiting, c applied");
  for (const size_t i : {0, 1}) {
    EXPECT_TRUE(pop(i).is_unconfirmed()) << i;
    pop(i).expire();
  }
  EXPECT_EQ(delivery::retry(hub_.desk())->push.state, PushState::done);
  EXPECT_EQ(serials(), "2 2 2");
}

TEST_P(Confirms, CanariesGetItFirst) {
  std::vector<std::string> told;
  hub_.desk().told = [&](const Delivery& each) { told.push_back(each.pop + " " + std::string(name_of(each.state))); };
  const int64_t before = hub_.now();
  const Outcome outcome = push(2, {.canaries_first = true, .soak = 30});
  EXPECT_EQ(outcome.push.state, PushState::done);
  EXPECT_GE(hub_.now() - before, 30);
  ASSERT_GE(told.size(), 2u);
  EXPECT_EQ(told[0], "a unconfirmed");
  EXPECT_EQ(told[1], "a applied");
  EXPECT_EQ(serials(), "2 2 2");
  EXPECT_FALSE(pop(0).is_unconfirmed());
}

struct CanaryCase {
  const char* name;
  Wrong wrong;
  const char* detail;
};
const CanaryCase canary_cases[] = {
    {"refuses", Wrong::refuses, "canary a is refused: out of memory"},
    {"dies_midway", Wrong::dies_midway, "canary a is away: Socket closed"},
    {"dies_applied", Wrong::dies_applied, "canary a is away: Socket closed"},
    {"dies_asked", Wrong::dies_asked, "canary a is away: Socket closed"},
    {"dies_confirming", Wrong::dies_confirming, "canary a is away: Socket closed"},
};

TEST_P(Confirms, ACanaryThatFailsEndsThePush) {
  int64_t serial = 1;
  for (const CanaryCase& each : canary_cases) {
    SCOPED_TRACE(each.name);
    pop(0).set(each.wrong);
    const unsigned loads = pop(1).loads();
    const Outcome outcome = push(++serial, {.canaries_first = true});
    EXPECT_EQ(outcome.push.state, PushState::failed);
    EXPECT_EQ(outcome.push.detail, each.detail);
    EXPECT_EQ(pop(1).loads(), loads) << "the others were not asked";
    EXPECT_EQ(current_serial(), 1);
    pop(0).set(Wrong::nothing);
    pop(0).restart();
    EXPECT_EQ(serials(), "1 1 1");
  }
}

TEST_P(Confirms, ACanaryThatGoesBackInTheSoakEndsThePush) {
  const auto sleep = hub_.desk().sleep;
  hub_.desk().sleep = [&](std::chrono::milliseconds time) {
    pop(0).restart();
    sleep(time);
  };
  const Outcome outcome = push(2, {.canaries_first = true});
  EXPECT_EQ(outcome.push.state, PushState::failed);
  EXPECT_EQ(outcome.push.detail.substr(0, 41), "canary a is waiting: it runs serial 1, di");
  EXPECT_EQ(serials(), "1 1 1");
}

TEST_P(Confirms, ACanaryThatCannotGoBackGetsWhatRanBefore) {
  pop(0).set(Wrong::cannot_go_back);
  hub_.desk().sleep = [&](std::chrono::milliseconds) { hub_.pass(60); };
  hub_.database().transact([](soci::session& sql) { sql << "UPDATE pops SET canary = 1 WHERE name = 'b'"; });
  pop(1).set(Wrong::refuses);
  const Outcome outcome = push(2, {.canaries_first = true});
  EXPECT_EQ(outcome.push.state, PushState::failed);
  EXPECT_EQ(text_of(outcome.deliveries), "a gone_back, b refused, c waiting");
  EXPECT_EQ(serials(), "1 1 1");
}

TEST_P(Confirms, CanariesAndAConfirmation) {
  const Outcome outcome = push(2, {.canaries_first = true, .soak = 30, .confirm_within = 300});
  EXPECT_EQ(outcome.push.state, PushState::unconfirmed);
  EXPECT_EQ(outcome.push.confirm_by, test_time + 330);
  EXPECT_EQ(text_of(outcome.deliveries), all("unconfirmed"));
  EXPECT_EQ(pop(0).last_begin()->confirm_seconds(), 330u);
  EXPECT_LE(pop(1).last_begin()->confirm_seconds(), 300u);
  EXPECT_EQ(delivery::confirm(hub_.desk(), actor).push.state, PushState::done);
}

TEST_P(Confirms, WithoutACanaryThereIsNoCanaryPush) {
  hub_.database().transact([](soci::session& sql) { sql << "UPDATE pops SET canary = 0"; });
  EXPECT_EQ(fault_of([&] { push(2, {.canaries_first = true}); }), "none of these POPs is a canary");
  EXPECT_EQ(serials(), "1 1 1");
}

} // namespace
} // namespace anytick::test
