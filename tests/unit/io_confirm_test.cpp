#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/io/secrets.h"
#include "dataplane/io/tables.h"
#include "tests/unit/io_fixture.h"

/// Loads that wait for their confirmation.
namespace anytick::io {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

/// A steady clock that stands still until it is told to go on. Any thread.
class StoppedClock {
 public:
  void advance(std::chrono::milliseconds by) { now_.fetch_add(by.count()); }
  SteadyNow reader() {
    return [this] { return std::chrono::steady_clock::time_point(std::chrono::milliseconds(now_.load())); };
  }

 private:
  std::atomic<int64_t> now_{1'000'000};
};

class ConfirmTest : public testing::Test {
 protected:
  std::unique_ptr<Tables> open(unsigned readers = 1) {
    return std::make_unique<Tables>(readers, *TableStore::open(directory_.path() / "state"),
                                    std::vector<core::PublicKey>(), core::Identity{}, policy_compiler(), ThreadNodes(),
                                    clock_.reader());
  }
  /// As a daemon starts after this moment, whatever the one before still does.
  std::unique_ptr<Tables> restarted() {
    auto tables = open();
    tables->load_stored(64 << 20);
    return tables;
  }
  static uint64_t serial(const Tables& tables) {
    const auto running = tables.running();
    return running->zone == nullptr ? 0 : running->zone->info.serial;
  }
  template <class Value> static std::string refusal(const Result<Value>& result) {
    return result ? "" : result.refusal().text();
  }
  std::filesystem::path stored(std::string_view file) const { return directory_.path() / "state" / file; }

  ScratchDirectory directory_;
  StoppedClock clock_;
};

TEST_F(ConfirmTest, ConfirmedTablesStayAndAreStored) {
  const auto tables = open();
  ASSERT_TRUE(tables->load(zone_table(zone_image(1))));
  const auto applied = tables->load(both_tables(zone_image(2), geo_map("jp")), minutes(5));
  ASSERT_TRUE(applied) << applied.refusal().text();
  EXPECT_EQ(applied->generation->number, 2u);
  EXPECT_EQ(serial(*tables), 2u);
  Running state = tables->state();
  ASSERT_NE(state.unconfirmed, nullptr);
  EXPECT_EQ(state.unconfirmed->generation, 2u);
  EXPECT_EQ(state.unconfirmed->previous->zone->info.serial, 1u);
  EXPECT_EQ(state.left, seconds(300));
  clock_.advance(std::chrono::milliseconds(299'500));
  EXPECT_EQ(tables->state().left, seconds(1));
  EXPECT_EQ(serial(*restarted()), 1u) << "a crash would bring it back";
  EXPECT_FALSE(std::filesystem::exists(stored("geo.map")));

  const auto confirmed = tables->confirm(2);
  ASSERT_TRUE(confirmed) << confirmed.refusal().text();
  EXPECT_EQ(confirmed->generation->number, 2u);
  EXPECT_EQ(confirmed->not_stored, "");
  EXPECT_EQ(tables->state().unconfirmed, nullptr);
  EXPECT_EQ(serial(*restarted()), 2u);
  EXPECT_NE(restarted()->running()->geo, nullptr);
  clock_.advance(minutes(10));
  EXPECT_TRUE(tables->confirm(2)) << "its reply may have been lost";
  EXPECT_EQ(serial(*tables), 2u);
}

TEST_F(ConfirmTest, TheTablesBeforeAreFreedByConfirming) {
  const auto tables = open();
  ASSERT_TRUE(tables->load(zone_table(zone_image(1))));
  const std::weak_ptr<const Generation> before = tables->running();
  ASSERT_TRUE(tables->load(zone_table(zone_image(2)), minutes(5)));
  EXPECT_FALSE(before.expired());
  ASSERT_TRUE(tables->confirm(2));
  EXPECT_TRUE(before.expired());
}

TEST_F(ConfirmTest, UnconfirmedTablesGoByThemselves) {
  const auto tables = open();
  ASSERT_TRUE(tables->load(both_tables(zone_image(1), geo_map("jp"))));
  const auto before = tables->running();
  ASSERT_TRUE(tables->load(both_tables(zone_image(2), geo_map("de")), minutes(5)));
  clock_.advance(std::chrono::milliseconds(299'999));
  std::this_thread::sleep_for(std::chrono::milliseconds(120));
  EXPECT_EQ(serial(*tables), 2u);
  clock_.advance(std::chrono::milliseconds(1));
  EXPECT_TRUE(eventually([&] { return serial(*tables) == 1; }));
  const Running state = tables->state();
  EXPECT_EQ(state.unconfirmed, nullptr);
  EXPECT_EQ(state.generation->number, 3u) << "a generation of its own";
  EXPECT_EQ(state.generation->geo, before->geo);
  EXPECT_EQ(state.generation->join, before->join);
  EXPECT_EQ(state.generation->view.image, before->view.image);
  EXPECT_EQ(state.generation->view.cookie_keys, &state.generation->cookie_keys);
  EXPECT_EQ(refusal(tables->confirm(2)), "confirm: generation 2 was reverted, 3 runs");
  EXPECT_EQ(serial(*restarted()), 1u);
  EXPECT_TRUE(tables->load(zone_table(zone_image(4))));
  EXPECT_EQ(serial(*restarted()), 4u);
}

TEST_F(ConfirmTest, FirstTablesGoToNone) {
  const auto tables = open();
  ASSERT_TRUE(tables->load(zone_table(zone_image(1)), seconds(1)));
  clock_.advance(seconds(1));
  EXPECT_TRUE(eventually([&] { return tables->running()->zone == nullptr; }));
  EXPECT_EQ(tables->running()->view.image, nullptr);
  EXPECT_EQ(tables->running()->view.join, nullptr);
}

TEST_F(ConfirmTest, RevertBringsTheTablesBackAtOnce) {
  const auto tables = open();
  ASSERT_TRUE(tables->load(zone_table(zone_image(1))));
  ASSERT_TRUE(tables->load(zone_table(zone_image(2)), minutes(5)));
  EXPECT_EQ(refusal(tables->revert(1)), "revert: generation 2 waits for its confirmation, not 1");
  const auto reverted = tables->revert(2);
  ASSERT_TRUE(reverted) << reverted.refusal().text();
  EXPECT_EQ((*reverted)->number, 3u);
  EXPECT_EQ(serial(*tables), 1u);
  EXPECT_TRUE(tables->revert(2)) << "its reply may have been lost";
  EXPECT_EQ(tables->running()->number, 3u);
  EXPECT_EQ(refusal(tables->revert(3)), "revert: no load waits for its confirmation; generation 3 runs");
}

TEST_F(ConfirmTest, NothingElseIsLoadedMeanwhile) {
  const auto tables = open();
  ASSERT_TRUE(tables->load(zone_table(zone_image(1))));
  ASSERT_TRUE(tables->load(zone_table(zone_image(2)), minutes(5)));
  const std::string reason = "load: generation 2 waits for its confirmation: confirm or revert it first; by itself, it "
                             "is reverted in 300 s";
  EXPECT_EQ(refusal(tables->load(zone_table(zone_image(3)))), reason);
  EXPECT_EQ(refusal(tables->load(geo_table(geo_map("jp")), seconds(1))), reason);
  EXPECT_EQ(refusal(tables->load(policy_table("[[rule]]\nname = 'a'\naction = 'drop'\n"))), reason);
  EXPECT_EQ(tables->running()->number, 2u);
  ASSERT_TRUE(tables->confirm(2));
  EXPECT_TRUE(tables->load(zone_table(zone_image(3))));
  ASSERT_TRUE(tables->load(zone_table(zone_image(4)), minutes(5)));
  clock_.advance(minutes(5));
  EXPECT_TRUE(tables->load(geo_table(geo_map("jp")))) << "whether the time's end was noticed or not";
  EXPECT_EQ(serial(*tables), 3u);
}

TEST_F(ConfirmTest, ARefusedLoadWaitsForNothing) {
  const auto tables = open();
  ASSERT_TRUE(tables->load(zone_table(zone_image(1))));
  EXPECT_FALSE(tables->load(zone_table({std::byte{1}}), minutes(5)));
  EXPECT_EQ(tables->state().unconfirmed, nullptr);
  EXPECT_TRUE(tables->load(zone_table(zone_image(2))));
}

TEST_F(ConfirmTest, OnlyWhatIsMeantIsConfirmed) {
  const auto tables = open();
  EXPECT_EQ(refusal(tables->confirm(0)), "confirm: no load waits for it, generation 0 runs");
  ASSERT_TRUE(tables->load(zone_table(zone_image(1))));
  EXPECT_EQ(refusal(tables->confirm(1)), "confirm: no load waits for it, generation 1 runs");
  ASSERT_TRUE(tables->load(zone_table(zone_image(2)), minutes(5)));
  EXPECT_EQ(refusal(tables->confirm(1)), "confirm: generation 2 waits for it, not 1");
  TableDigest other{};
  const TableDigest running = tables->running()->zone->info.digest;
  EXPECT_EQ(refusal(tables->confirm(2, {running, other})), "confirm: generation 2 has other tables");
  EXPECT_EQ(tables->state().unconfirmed->generation, 2u);
  EXPECT_TRUE(tables->confirm(2, {running}));
  EXPECT_EQ(refusal(tables->confirm(2, {other})), "confirm: generation 2 has other tables");
}

TEST_F(ConfirmTest, TooLateIsTooLateBeforeItWasNoticed) {
  const auto tables = open();
  ASSERT_TRUE(tables->load(zone_table(zone_image(1))));
  ASSERT_TRUE(tables->load(zone_table(zone_image(2)), seconds(7)));
  clock_.advance(seconds(7));
  EXPECT_EQ(refusal(tables->confirm(2)), "confirm: generation 2 was reverted, 3 runs");
  EXPECT_EQ(serial(*tables), 1u);
}

TEST_F(ConfirmTest, SecretsAreNotTakenBack) {
  const auto tables = open();
  ASSERT_TRUE(tables->load(zone_table(zone_image(1))));
  ASSERT_TRUE(tables->load(zone_table(zone_image(2)), minutes(5)));
  const core::CookieKeys keys = random_secrets();
  EXPECT_EQ(tables->load_secrets(keys).generation->number, 3u);
  Running state = tables->state();
  EXPECT_EQ(state.unconfirmed->generation, 2u) << "still";
  EXPECT_EQ(serial(*tables), 2u);
  ASSERT_TRUE(tables->revert(2));
  EXPECT_EQ(serial(*tables), 1u);
  EXPECT_EQ(tables->running()->cookie_keys.keys, keys.keys);
  ASSERT_TRUE(tables->load(zone_table(zone_image(5)), minutes(5)));
  tables->load_secrets(random_secrets());
  EXPECT_TRUE(tables->confirm(5)) << "the load's number, though 6 runs";
  EXPECT_EQ(tables->running()->number, 6u);
  EXPECT_EQ(serial(*restarted()), 5u);
}

TEST_F(ConfirmTest, TellsWhatCouldNotBeStored) {
  const auto tables = open();
  ASSERT_TRUE(tables->load(zone_table(zone_image(2)), minutes(5)));
  std::filesystem::remove_all(directory_.path() / "state");
  const auto confirmed = tables->confirm(1);
  ASSERT_TRUE(confirmed);
  EXPECT_EQ(confirmed->not_stored, stored("zone.image.new").string() + ": No such file or directory");
  EXPECT_EQ(serial(*tables), 2u);
}

std::string rule(std::string_view name) {
  return "[[rule]]\nname = '" + std::string(name) + "'\naction = 'tag t'\n";
}

void judge(const core::Policy& policy, unsigned thread, int times = 1) {
  constexpr std::array<uint8_t, 32> message{1, 'x', 0};
  core::FoldedName name;
  ASSERT_TRUE(core::read_name(message, name));
  const geo::Address source = *geo::parse_address("192.0.2.7");
  for (int i = 0; i < times; ++i) policy.judge({name, 1, true, true, source, {}}, thread, nullptr, 0);
}

TEST_F(ConfirmTest, CountsOfRulesGoOnWhenTheirPolicyComesBack) {
  const auto tables = open();
  const auto matched = [&](std::string_view name) -> uint64_t {
    const auto running = tables->running();
    for (size_t i = 0; i < running->policy->policy().rules().size(); ++i)
      if (running->policy->policy().rules()[i].name == name) return running->policy->totals()[i].matched;
    return UINT64_MAX;
  };
  const auto judged = [&](int times) { judge(*tables->running()->view.policy, 0, times); };
  ASSERT_TRUE(tables->load(policy_table(rule("both") + rule("old"))));
  judged(3);
  for (int round = 0; round < 3; ++round) {
    SCOPED_TRACE(round);
    const uint64_t both = 3 + 12 * static_cast<uint64_t>(round), old = 3 + 7 * static_cast<uint64_t>(round);
    ASSERT_EQ(matched("both"), both);
    ASSERT_EQ(matched("old"), old);
    const auto applied = tables->load(policy_table(rule("new") + rule("both")), minutes(5));
    ASSERT_TRUE(applied) << applied.refusal().text();
    judged(5);
    EXPECT_EQ(matched("both"), both + 5);
    EXPECT_EQ(matched("new"), 5u);
    ASSERT_TRUE(tables->revert(applied->generation->number));
    EXPECT_EQ(matched("both"), both + 5) << "nothing falls";
    judged(7);
    EXPECT_EQ(matched("both"), both + 12);
    EXPECT_EQ(matched("old"), old + 7);
  }
  ASSERT_TRUE(tables->load(policy_table(rule("both"))));
  EXPECT_EQ(matched("both"), 39u);
}

TEST_F(ConfirmTest, APolicyThatWasNotThereGoes) {
  const auto tables = open();
  ASSERT_TRUE(tables->load(policy_table(rule("a")), minutes(5)));
  EXPECT_NE(tables->running()->view.policy, nullptr);
  ASSERT_TRUE(tables->revert(1));
  EXPECT_EQ(tables->running()->view.policy, nullptr);
  EXPECT_EQ(tables->running()->policy, nullptr);
  EXPECT_FALSE(std::filesystem::exists(stored("policy.toml")));
}

TEST_F(ConfirmTest, EndsWhileALoadWaits) {
  {
    const auto tables = open();
    ASSERT_TRUE(tables->load(zone_table(zone_image(1))));
    ASSERT_TRUE(tables->load(zone_table(zone_image(2)), minutes(5)));
  }
  EXPECT_EQ(serial(*restarted()), 1u);
}

/// Reads whole generations all the time, and counts in their policy.
class Readers {
 public:
  Readers(Tables& tables, unsigned count) : judged_(count) {
    for (unsigned id = 0; id < count; ++id) threads_.emplace_back([this, &tables, id] { read(tables, id); });
  }
  uint64_t stop() {
    stop_.store(true);
    threads_.clear();
    uint64_t sum = 0;
    for (const uint64_t judged : judged_) sum += judged;
    return sum;
  }
  unsigned mismatches() const { return mismatches_.load(); }

 private:
  void read(Tables& tables, unsigned id) {
    TableReader reader(tables, id);
    for (; !stop_.load(); reader.quiescent(), std::this_thread::yield()) {
      const core::View& view = reader.view();
      if (view.image != nullptr && view.image->zones().front().serial != view.image->header().serial)
        mismatches_.fetch_add(1);
      if (view.policy == nullptr) continue;
      judge(*view.policy, id);
      ++judged_[id];
    }
  }

  std::atomic<bool> stop_{false};
  std::atomic<unsigned> mismatches_{0};
  std::vector<uint64_t> judged_;
  std::vector<std::jthread> threads_;
};

/// Whoever confirms, whoever reverts and the end of the time come at once: exactly one of them has its way, on disk
/// too.
TEST_F(ConfirmTest, ConfirmationRevertAndTheEndOfTheTimeRace) {
  const auto seed = std::random_device()();
  RecordProperty("seed", std::to_string(seed));
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const auto tables = open(2);
  ASSERT_TRUE(tables->load(zone_table(zone_image(1))));
  Readers readers(*tables, 2);
  uint64_t expected = 1;
  std::array<unsigned, 2> outcomes{};
  for (uint32_t round = 0; round < 40; ++round) {
    const uint32_t next = 100 + round;
    const auto applied = tables->load(zone_table(zone_image(next)), seconds(10));
    ASSERT_TRUE(applied) << applied.refusal().text();
    const uint64_t generation = applied->generation->number;
    std::atomic<int> ready{0};
    const auto together = [&](auto act) {
      return [&ready, act, delay = random() % 300] {
        ready.fetch_add(1);
        while (ready.load() < 4) std::this_thread::yield();
        std::this_thread::sleep_for(std::chrono::microseconds(delay));
        act();
      };
    };
    bool confirmed = false, reverted = false, loaded = false;
    {
      const std::jthread confirming(together([&] { confirmed = static_cast<bool>(tables->confirm(generation)); }));
      const std::jthread reverting(together([&] { reverted = static_cast<bool>(tables->revert(generation)); }));
      const std::jthread ending(together([&] { clock_.advance(seconds(10)); }));
      const std::jthread loading(together([&] { loaded = static_cast<bool>(tables->load(geo_table(geo_map("jp")))); }));
    }
    // A load that came between may have been refused, or have found the way free.
    EXPECT_TRUE(eventually([&] { return tables->state().unconfirmed == nullptr; }));
    EXPECT_FALSE(confirmed && reverted);
    if (confirmed) expected = next;
    outcomes[confirmed ? 0 : 1] += 1;
    ASSERT_EQ(serial(*tables), expected) << round << (confirmed ? " confirmed" : "") << (reverted ? " reverted" : "")
                                         << (loaded ? " loaded" : "");
  }
  readers.stop();
  EXPECT_EQ(readers.mismatches(), 0u);
  EXPECT_EQ(serial(*restarted()), expected);
  RecordProperty("confirmed", std::to_string(outcomes[0]));
}

/// Policies that come and go under readers that count in them: no count falls, and none is missing in the end.
TEST_F(ConfirmTest, NoCountIsLostWhilePoliciesComeAndGo) {
  const auto tables = open(2);
  ASSERT_TRUE(tables->load(policy_table(rule("a") + rule("b"))));
  Readers readers(*tables, 2);
  const auto total = [&] {
    const auto running = tables->running();
    const auto totals = running->policy->totals();
    for (size_t i = 0; i < totals.size(); ++i)
      if (running->policy->policy().rules()[i].name == "b") return totals[i].matched;
    return uint64_t{0};
  };
  std::atomic<bool> stop{false};
  std::atomic<unsigned> falls{0};
  std::jthread watching([&] {
    for (uint64_t last = 0; !stop.load(); std::this_thread::yield()) {
      const uint64_t now = total();
      if (now < last) falls.fetch_add(1);
      last = now;
    }
  });
  for (int round = 0; round < 9; ++round) {
    const auto applied = tables->load(policy_table(rule("b") + rule("c")), seconds(1));
    ASSERT_TRUE(applied) << applied.refusal().text();
    switch (round % 3) {
    case 0:
      ASSERT_TRUE(tables->revert(applied->generation->number));
      break;
    case 1:
      clock_.advance(seconds(1));
      ASSERT_TRUE(eventually([&] { return tables->state().unconfirmed == nullptr; }));
      break;
    default:
      ASSERT_TRUE(tables->confirm(applied->generation->number));
    }
  }
  const uint64_t judged = readers.stop();
  stop.store(true);
  watching.join();
  EXPECT_EQ(falls.load(), 0u);
  EXPECT_EQ(total(), judged);
}

} // namespace
} // namespace anytick::io
