#include "dataplane/io/clock_tracker.h"

#include <cmath>
#include <cstdlib>
#include <ostream>
#include <random>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/unit/io_clock_simulation.h"

namespace anytick::io {
namespace {

using namespace std::chrono_literals;
using test::ClockWorld;
using test::Lie;
using test::Simulation;

constexpr int64_t second = Simulation::second;
constexpr int64_t millisecond = Simulation::millisecond;
constexpr int64_t midnight = 1'798'761'600 * second; // 2027-01-01 00:00 UTC
constexpr int64_t noon = midnight - 43'200 * second;
constexpr int64_t max_age = Simulation::max_age;

/// One that was measured and is told.
Simulation synchronised(uint64_t seed = 1, int64_t truth = noon, double ahead = 0) {
  Simulation simulation(seed, truth, ahead);
  simulation.world.measure();
  simulation.pass(second);
  EXPECT_TRUE(simulation.is_told()) << simulation.tracker.reason();
  return simulation;
}

TEST(ClockTracker, TellsNothingAtFirst) {
  Simulation simulation(1, noon, 0);
  EXPECT_FALSE(simulation.is_told());
  EXPECT_NE(simulation.tracker.reason(), "");
  simulation.pass(5 * second);
  EXPECT_FALSE(simulation.is_told()) << "chronyd is not synchronised";
  EXPECT_EQ(simulation.tracker.next_question(), 250ms);
}

TEST(ClockTracker, TellsWhatIsReported) {
  ClockTracker tracker({.max_age = max_age, .not_before = 7, .precision = -25});
  const core::WallTime at{noon, 1'000 * second};
  const ClockReport report{.synchronised = true,
                           .leap = 2,
                           .stratum = 5,
                           .refid = 0x01020304,
                           .reference_time = noon - 3 * second,
                           .root_delay = 0.25,
                           .root_dispersion = 0.125,
                           .correction = -0.0625};
  tracker.report(report, at);
  const core::ClockState& state = tracker.state();
  EXPECT_EQ(tracker.reason(), "");
  EXPECT_EQ(state.synchronised, 1u);
  EXPECT_EQ(state.leap, 2u);
  EXPECT_EQ(state.stratum, 5u);
  EXPECT_EQ(state.refid, 0x01020304u);
  EXPECT_EQ(state.precision, -25);
  EXPECT_EQ(state.reference_time, core::ntp_time(noon - 3 * second));
  EXPECT_EQ(state.root_delay, 0.25);
  EXPECT_EQ(state.root_dispersion, 0.125 + 0.0625);
  EXPECT_EQ(state.correction, -62'500'000);
  EXPECT_EQ(state.slope, 0);
  EXPECT_EQ(state.wander, 15e-6);
  EXPECT_EQ(state.measured, at.monotonic);
  EXPECT_EQ(state.expires, at.monotonic + max_age);
  EXPECT_EQ(state.epoch, at.realtime - at.monotonic);
  EXPECT_EQ(state.not_before, 7);
}

TEST(ClockTracker, LearnsTheSlope) {
  Simulation simulation(1, noon, 0.5);
  simulation.world.measure();
  simulation.world.start_slew(ClockWorld::fastest_slew);
  simulation.ask();
  EXPECT_EQ(simulation.tracker.next_question(), 20ms);
  EXPECT_EQ(simulation.tracker.state().slope, 0);
  simulation.world.pass(20 * millisecond);
  simulation.ask();
  EXPECT_EQ(simulation.tracker.next_question(), 250ms);
  // The clock was ahead: it goes slow, and so does CLOCK_MONOTONIC, which counts.
  const double slope = ClockWorld::fastest_slew / (1 - ClockWorld::fastest_slew);
  EXPECT_NEAR(simulation.tracker.state().slope, slope, 1e-4);
  EXPECT_NEAR(simulation.tracker.state().wander, slope + 15e-6, 1e-4);
  simulation.world.measure();
  simulation.ask();
  EXPECT_EQ(simulation.tracker.state().slope, 0) << "chronyd may have another by now";
  EXPECT_EQ(simulation.tracker.next_question(), 20ms);
}

TEST(ClockTracker, WithoutAnAnswerTheClockMayGoAnywhere) {
  Simulation simulation = synchronised();
  simulation.world.die(false);
  simulation.ask();
  EXPECT_TRUE(simulation.is_told());
  EXPECT_GE(simulation.tracker.state().wander, 0.1);
}

TEST(ClockTracker, WhatIsOldIsNotTold) {
  Simulation simulation = synchronised();
  simulation.world.die(true);
  simulation.pass(max_age - second);
  EXPECT_TRUE(simulation.is_told() || simulation.clock().root_dispersion == 0);
  simulation.pass(2 * second);
  EXPECT_FALSE(simulation.is_told());
  EXPECT_NE(simulation.tracker.reason().find("does not answer"), std::string::npos) << simulation.tracker.reason();
  simulation.world.start();
  simulation.pass(second);
  EXPECT_FALSE(simulation.is_told()) << "not before it has measured";
  simulation.world.measure();
  simulation.pass(second);
  EXPECT_TRUE(simulation.is_told());
}

TEST(ClockTracker, WhatIsOldIsNotToldAlsoIfNobodyAsks) {
  Simulation simulation = synchronised();
  simulation.world.pass(max_age + second);
  EXPECT_FALSE(simulation.is_told());
}

TEST(ClockTracker, AReportThatRepeatsItselfIsNone) {
  Simulation simulation = synchronised();
  simulation.world.freeze(true);
  simulation.pass(max_age + 2 * second);
  EXPECT_FALSE(simulation.is_told());
  simulation.world.freeze(false);
  simulation.pass(second);
  EXPECT_TRUE(simulation.is_told());
}

class Lies : public testing::TestWithParam<std::pair<const char*, Lie>> {};

TEST_P(Lies, AreNotReports) {
  Simulation simulation = synchronised();
  simulation.world.lie(GetParam().second);
  simulation.pass(max_age + 2 * second);
  EXPECT_FALSE(simulation.is_told());
  EXPECT_NE(simulation.tracker.reason(), "");
  simulation.world.lie(Lie::none);
  simulation.pass(second);
  EXPECT_TRUE(simulation.is_told()) << simulation.tracker.reason();
}

INSTANTIATE_TEST_SUITE_P(, Lies,
                         testing::Values(std::pair{"stratum", Lie::stratum},
                                         std::pair{"reference_time", Lie::reference_time},
                                         std::pair{"correction", Lie::correction},
                                         std::pair{"dispersion", Lie::dispersion}, std::pair{"leap", Lie::leap}),
                         [](const auto& each) { return each.param.first; });

class Steps : public testing::TestWithParam<int64_t> {
 public:
  static std::string name(int64_t step) {
    return fmt::format("{}_{}us", step < 0 ? "back" : "forward", std::llabs(step) / 1000);
  }

 protected:
  const int64_t step_ = GetParam();
};

TEST_P(Steps, ByOthersAreBelievedWhenMeasured) {
  Simulation simulation = synchronised();
  simulation.world.step(step_);
  EXPECT_FALSE(simulation.is_told()) << "from the very moment on";
  simulation.pass(60 * second);
  EXPECT_FALSE(simulation.is_told());
  simulation.world.measure();
  simulation.world.make_step();
  simulation.pass(second);
  if (simulation.is_told()) return;
  // chronyd's own step was too small to be told from theirs.
  EXPECT_LT(std::llabs(step_), second);
  simulation.world.measure();
  simulation.pass(second);
  EXPECT_TRUE(simulation.is_told()) << simulation.tracker.reason();
}

TEST_P(Steps, AMeasurementJustBeforeThemCountsForNothing) {
  // Whatever the time between the measurement, which was not reported yet, and the step.
  for (int64_t between = 0; between <= 200 * millisecond; between += 10 * millisecond) {
    SCOPED_TRACE(between);
    Simulation simulation = synchronised();
    simulation.ask();
    simulation.world.measure();
    simulation.world.pass(between);
    simulation.world.step(step_);
    simulation.pass(60 * second);
    EXPECT_FALSE(simulation.is_told());
    simulation.world.measure();
    simulation.world.start_slew(ClockWorld::slowest_slew);
    simulation.pass(second);
    // What the first measurement after it was, is not plain where that before it is said to be in the future.
    if (step_ < -200 * millisecond) simulation.world.measure();
    simulation.pass(second);
    // A large correction is believed, but its dispersion keeps it from being told.
    EXPECT_TRUE(simulation.tracker.state().synchronised) << simulation.tracker.reason();
    if (HasFatalFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(, Steps,
                         testing::Values(200'000, -200'000, 50 * millisecond, -50 * millisecond, 300 * millisecond,
                                         -300 * millisecond, 500 * millisecond, -500 * millisecond, second, -second,
                                         5 * second, -5 * second, 3'600 * second, -3'600 * second),
                         [](const auto& each) { return Steps::name(each.param); });

TEST(ClockTracker, ChronydsOwnStepIsBelievedAtOnce) {
  for (const double ahead : {0.9, -0.9, 3600.0, -3600.0}) {
    SCOPED_TRACE(ahead);
    Simulation simulation(1, noon, ahead);
    simulation.pass(second);
    simulation.world.measure();
    simulation.world.make_step();
    simulation.pass(300 * millisecond);
    EXPECT_TRUE(simulation.is_told()) << simulation.tracker.reason();
  }
}

TEST(ClockTracker, AfterSuspensionItIsMeasuredAgain) {
  Simulation simulation = synchronised();
  simulation.world.suspend(8 * 3'600 * second);
  EXPECT_FALSE(simulation.is_told());
  simulation.pass(30 * second);
  EXPECT_FALSE(simulation.is_told());
  simulation.world.measure();
  simulation.world.make_step();
  simulation.pass(second);
  simulation.world.measure();
  simulation.pass(second);
  EXPECT_TRUE(simulation.is_told()) << simulation.tracker.reason();
}

class Leaps : public testing::TestWithParam<uint8_t> {};

TEST_P(Leaps, AreLeftOutAndNeedNoMeasurement) {
  Simulation simulation = synchronised(1, midnight - 30 * second);
  simulation.world.announce_leap(GetParam());
  simulation.pass(second);
  EXPECT_EQ(simulation.clock().leap, GetParam());
  simulation.pass(26 * second);
  EXPECT_EQ(simulation.clock().leap, GetParam());
  simulation.pass(6 * second);
  EXPECT_TRUE(simulation.is_told()) << simulation.tracker.reason();
  EXPECT_EQ(simulation.clock().leap, 0);
  EXPECT_GT(simulation.world.truth(), midnight);
}

TEST_P(Leaps, ExplainNoStepAtAnotherTime) {
  Simulation simulation = synchronised(1, noon);
  simulation.world.announce_leap(GetParam());
  simulation.pass(second);
  simulation.world.step(GetParam() == 1 ? -second : second);
  simulation.pass(30 * second);
  EXPECT_FALSE(simulation.is_told());
}

TEST_P(Leaps, ThatNobodyAnnouncedAreSteps) {
  Simulation simulation = synchronised(1, midnight - 2 * second);
  simulation.world.step(GetParam() == 1 ? -second : second);
  simulation.pass(30 * second);
  EXPECT_FALSE(simulation.is_told());
}

INSTANTIATE_TEST_SUITE_P(, Leaps, testing::Values(uint8_t{1}, uint8_t{2}),
                         [](const auto& each) { return each.param == 1 ? "inserted" : "deleted"; });

TEST(ClockTracker, ASourceThatKnowsOfStepsIsBelievedAfterOne) {
  ClockTracker tracker({.max_age = max_age});
  ClockReport report{.synchronised = true, .stratum = 3, .reference_time = noon, .knows_steps = true};
  core::WallTime at{noon, 1'000 * second};
  tracker.report(report, at);
  at.realtime += 5 * second;
  EXPECT_FALSE(core::clock_at(tracker.state(), at).is_synchronised());
  report.synchronised = false;
  tracker.report(report, at);
  EXPECT_FALSE(core::clock_at(tracker.state(), at).is_synchronised());
  report.synchronised = true;
  tracker.report(report, at);
  EXPECT_TRUE(core::clock_at(tracker.state(), at).is_synchronised());
}

TEST(ClockTracker, AClockThatWasNeverSetIsNotTold) {
  ClockTracker tracker({.max_age = max_age, .not_before = noon});
  const ClockReport report{.synchronised = true, .stratum = 3, .reference_time = 3 * second};
  tracker.report(report, {3 * second, 3 * second});
  EXPECT_EQ(tracker.state().synchronised, 0u);
  EXPECT_NE(tracker.reason(), "");
}

/// What may become of a world.
class Fate {
 public:
  Fate(Simulation& simulation, uint64_t seed) : s_(simulation), random_(seed ^ 0x9e3779b97f4a7c15) {}

  void strike() {
    // chronyd's own step and another at once are one that looks like chronyd's.
    if (one_in(8) && measure()) return;
    if (one_in(150)) s_.world.is_alive() ? s_.world.die(one_in(2)) : s_.world.start();
    if (one_in(20) && !s_.world.is_alive()) s_.world.start();
    if (!s_.world.is_lying() && one_in(s_.world.is_frozen() ? 20 : 200)) {
      s_.world.freeze(!s_.world.is_frozen());
      s_.ask(); // at first, what it says again and again is true
    }
    if (!s_.world.is_frozen() && one_in(s_.world.is_lying() ? 10 : 100))
      s_.world.lie(s_.world.is_lying() ? Lie::none : static_cast<Lie>(1 + random_() % 5));
    if (one_in(300)) s_.world.step(any_step());
    if (one_in(600)) s_.world.suspend(static_cast<int64_t>(random_() % (3'600 * second)) + 2 * second);
  }

 private:
  bool one_in(uint64_t chances) { return random_() % chances == 0; }

  /// Whether chronyd stepped the clock.
  bool measure() {
    s_.world.measure();
    if (one_in(8)) {
      s_.world.make_step();
      return true;
    }
    const double rates[] = {0, ClockWorld::slowest_slew, ClockWorld::fastest_slew};
    s_.world.start_slew(rates[random_() % 3]);
    return false;
  }

  /// Of some size between 200 us and an hour.
  int64_t any_step() {
    std::uniform_real_distribution<double> magnitude(std::log(200e-6), std::log(3600));
    const auto size = static_cast<int64_t>(std::exp(magnitude(random_)) * 1e9);
    return one_in(2) ? size : -size;
  }

  Simulation& s_;
  std::mt19937_64 random_;
};

TEST(ClockTracker, WhateverHappensBadTimeIsNotTold) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> ahead(-0.8, 0.8);
  uint64_t looks = 0, told = 0;
  for (int i = 0; i < 400; ++i) {
    const uint64_t own_seed = random();
    SCOPED_TRACE(testing::Message() << "world " << own_seed);
    const auto leap = static_cast<uint8_t>(own_seed % 4); // in a quarter each
    Simulation simulation(own_seed, leap == 0 || leap == 3 ? noon : midnight - 60 * second, ahead(random));
    if (leap != 3) simulation.world.announce_leap(leap);
    Fate fate(simulation, own_seed);
    for (int strikes = 0; strikes < 400; ++strikes) {
      simulation.pass(300 * millisecond);
      fate.strike();
      simulation.check();
      if (HasFatalFailure()) return;
    }
    looks += simulation.looks;
    told += simulation.told;
  }
  RecordProperty("looks", std::to_string(looks));
  RecordProperty("told", std::to_string(told));
  EXPECT_GT(told, looks / 5) << "of " << looks;
  EXPECT_LT(told, looks) << "some of it was bad";
}

} // namespace
} // namespace anytick::io
