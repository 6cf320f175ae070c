#pragma once

#include <cmath>
#include <cstdlib>
#include <random>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "dataplane/io/chrony.h"
#include "dataplane/io/clock_tracker.h"
#include "tests/unit/io_clock_world.h"
#include "tests/unit/io_tracking_reply.h"

namespace anytick::io::test {

/// A world, and a tracker that asks its chronyd as the service does.
class Simulation {
 public:
  static constexpr int64_t second = ClockWorld::second;
  static constexpr int64_t millisecond = second / 1000;
  static constexpr int64_t max_age = 10 * second;

  Simulation(uint64_t seed, int64_t truth, double ahead)
      : world(seed, truth, ahead), tracker({.max_age = max_age}), random_(seed) {}

  /// The answer takes twice `half`.
  void ask(int64_t half = 50'000) {
    const core::WallTime before = world.wall();
    world.pass(half);
    const auto answer = world.report();
    world.pass(half);
    const core::WallTime after = world.wall();
    const int64_t epoch_change = after.realtime - after.monotonic - before.realtime + before.monotonic;
    const int64_t monotonic = (after.monotonic - before.monotonic) / 2;
    const core::WallTime middle{after.realtime - monotonic, after.monotonic - monotonic};
    const Result<ClockReport> report =
        answer ? parse_tracking(tracking_reply(*answer, 7), 7) : Refusal{"chronyd", "", "does not answer"};
    unseen_ = false;
    if (!report || std::llabs(epoch_change) > core::step_tolerance) {
      tracker.miss(middle, report ? "stepped" : report.refusal().text());
      return;
    }
    tracker.report(*report, middle, monotonic);
    if (report->synchronised && !world.is_lying() && *answer != last_) good_at_ = world.passed();
    last_ = *answer;
  }

  core::NtpClock clock() const { return core::clock_at(tracker.state(), world.wall()); }
  bool is_told() const { return clock().is_synchronised(); }

  /// Asks when it is time to, for so long; looks at what is told in between.
  void pass(int64_t nanoseconds) {
    for (const int64_t end = world.passed() + nanoseconds; world.passed() < end && !testing::Test::HasFatalFailure();) {
      world.pass(static_cast<int64_t>(random_() % (40 * millisecond)) + 1);
      check();
      if (world.passed() < ask_at_) continue;
      // Now and then it is long on its way.
      ask(random_() % 64 == 0 ? 45 * millisecond : static_cast<int64_t>(random_() % millisecond));
      check();
      ask_at_ = world.passed() + std::chrono::nanoseconds(tracker.next_question()).count() +
                static_cast<int64_t>(random_() % (10 * millisecond));
    }
  }

  void check() {
    const core::NtpClock clock = this->clock();
    unseen_ = unseen_ || world.runs_away();
    ++looks;
    if (!clock.is_synchronised() && !world.is_in_leap_second()) leap_told_ = false;
    if (!clock.is_synchronised()) return;
    ++told;
    ASSERT_FALSE(world.is_lost()) << where() << ": nobody knows the time";
    ASSERT_FALSE(world.is_in_leap_second() && leap_told_) << where() << ": a leap second is in progress";
    if (!world.is_in_leap_second()) leap_told_ = clock.leap != 0;
    // CLOCK_MONOTONIC is slewed, too, and a report that freezes is a new one once.
    ASSERT_LE(world.passed() - good_at_, max_age + 2 * second) << where() << ": too old";
    // What runs away was not known to, until the next question has no answer.
    if (unseen_) return;
    const auto difference = static_cast<int64_t>(clock.now - core::ntp_time(world.truth()));
    const double error = std::abs(static_cast<double>(difference)) * 0x1p-32;
    ASSERT_LE(error, clock.root_dispersion * 0x1p-16 + 1e-6) << where() << ": correction " << world.correction();
  }

  std::string where() const { return fmt::format("{:.3f} s after the start", 1e-9 * double(world.passed())); }

  ClockWorld world;
  ClockTracker tracker;
  uint64_t looks = 0, told = 0;

 private:
  std::mt19937_64 random_;
  ClockReport last_; ///< answer
  bool leap_told_ = false;
  int64_t ask_at_ = 0;
  int64_t good_at_ = 0; ///< passed, when chronyd last told what it knew
  bool unseen_ = false; ///< chronyd ended in the midst of a slew, and was not asked since
};

} // namespace anytick::io::test
