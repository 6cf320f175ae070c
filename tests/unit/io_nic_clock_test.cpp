#include "dataplane/io/nic_clock.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace anytick::io {
namespace {

constexpr double tsc_hz = 2'593'900'000;
constexpr uint64_t tsc_start = uint64_t{1} << 51;
constexpr double microsecond = 1e-6;
constexpr double nanosecond = 1e-9;

struct Nic {
  double hz = 1e9;
  uint64_t epoch = 0;     ///< what it counted at second 0
  unsigned bits = 64;     ///< that it counts with
  double jitter = 50e-9;  ///< seconds: a reading is of this much before or after the middle of the two at the TSC
  double interrupted = 0; ///< share of readings that take up to a millisecond longer
  double wrong = 0;       ///< share of quick readings that are wrong by up to a millisecond
  double steered = 0;     ///< seconds: it goes ahead and falls behind by so much, as a sine of a minute
};

/// A NIC with time as an argument, seconds; and what looks at it every tenth of one, as the control thread does.
class Simulation {
 public:
  Simulation(const Nic& nic, uint64_t seed) : nic_(nic), random_(seed) {
    ::testing::Test::RecordProperty("seed", std::to_string(seed));
  }

  uint64_t tsc(double at) const { return tsc_start + static_cast<uint64_t>(std::llround(at * tsc_hz)); }
  uint64_t stamp(double at) const {
    const double counted = std::floor((at + nic_.steered * std::sin(at * 2 * 3.14159265 / 60)) * nic_.hz);
    const uint64_t value = nic_.epoch + static_cast<uint64_t>(static_cast<int64_t>(counted));
    return nic_.bits == 64 ? value : value & ((uint64_t{1} << nic_.bits) - 1);
  }
  void set_by(double seconds) { nic_.epoch += static_cast<uint64_t>(static_cast<int64_t>(seconds * nic_.hz)); }
  void start_anew(double at) { nic_.epoch = 0 - static_cast<uint64_t>(at * nic_.hz); }

  NicClock& clock() { return clock_; }
  double drawn(double least, double most) { return std::uniform_real_distribution<double>(least, most)(random_); }

  /// Whether it looked.
  bool look(double at) {
    if (!clock_.is_due(tsc(at))) return false;
    std::array<NicReading, 8> readings;
    const bool all_wrong = drawn(0, 1) < nic_.wrong;
    for (NicReading& reading : readings) {
      const double lasts = drawn(300, 500) * nanosecond;
      const double late = drawn(0, 1) < nic_.interrupted ? drawn(0, 1e-3) : 0;
      const double of = at + lasts / 2 + drawn(-nic_.jitter, nic_.jitter) + (all_wrong ? drawn(2e-5, 1e-3) : 0);
      reading = {tsc(at), stamp(of), tsc(at + lasts + late)};
      at += lasts + late;
    }
    clock_.feed(readings);
    return true;
  }

  /// Of a frame that was stamped at `stamped` and polled at `now`: seconds that its time is told wrong by.
  std::optional<double> error(double stamped, double now) {
    NicLine line;
    if (!clock_.line().load(line)) return std::nullopt;
    const auto told = line.tsc_of(stamp(stamped), tsc(now));
    if (!told) return std::nullopt;
    return std::abs(static_cast<double>(static_cast<int64_t>(*told - tsc(stamped)))) / tsc_hz;
  }

 private:
  Nic nic_;
  std::mt19937_64 random_;
  NicClock clock_{tsc_hz};
};

/// What became of frames that came while it looked.
struct Told {
  unsigned times = 0;
  unsigned not_at_all = 0;
  double worst = 0; ///< seconds
  double share() const { return static_cast<double>(times) / std::max(1u, times + not_at_all); }
};

/// From second `from` to `to`. Frames have waited for up to half a second.
Told run(Simulation& simulation, double from, double to) {
  Told told;
  for (auto tenth = std::lround(from * 10); tenth < std::lround(to * 10); ++tenth) {
    const double at = static_cast<double>(tenth) / 10 + simulation.drawn(0, 1e-3);
    simulation.look(at);
    for (int frame = 0; frame < 20; ++frame) {
      const double now = at + simulation.drawn(0.002, 0.09);
      const auto error = simulation.error(now - simulation.drawn(0, 0.5), now);
      error ? ++told.times : ++told.not_at_all;
      told.worst = std::max(told.worst, error.value_or(0));
    }
  }
  return told;
}

constexpr uint64_t seeds[] = {1, 2, 3, 4, 5};

struct NicCase {
  const char* name;
  Nic nic;
  double worst; ///< seconds
  double share; ///< of frames whose time is told, from the second second on
};

void PrintTo(const NicCase& c, std::ostream* out) {
  *out << c.name;
}

class NicClocks : public testing::TestWithParam<NicCase> {};

TEST_P(NicClocks, AreUnderstoodWithinASecondAndStaySo) {
  for (const uint64_t seed : seeds) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Simulation simulation(GetParam().nic, seed);
    const Told young = run(simulation, 0, 1);
    EXPECT_LT(young.worst, GetParam().worst);
    const Told told = run(simulation, 1, 90);
    EXPECT_LT(told.worst, GetParam().worst);
    EXPECT_GE(told.share(), GetParam().share);
    EXPECT_EQ(simulation.clock().restarts(), 0u);
    EXPECT_NEAR(simulation.clock().hz() / GetParam().nic.hz, 1, 6e-6);
  }
}

constexpr uint64_t since_1970 = 1'800'000'000'000'000'000;
/// It comes round 3.3 s later, when the line is there.
constexpr uint64_t soon_round(unsigned bits, double hz = 1e9) {
  return (uint64_t{1} << bits) - static_cast<uint64_t>(3.3 * hz);
}

INSTANTIATE_TEST_SUITE_P(
    , NicClocks,
    testing::Values(NicCase{"nanoseconds", {.epoch = since_1970}, 100 * nanosecond, 1},
                    NicCase{"from_zero", {}, 100 * nanosecond, 1},
                    NicCase{"drift", {.hz = 1e9 * (1 + 50e-6), .epoch = since_1970}, 100 * nanosecond, 1},
                    NicCase{"drift_backwards", {.hz = 1e9 * (1 - 50e-6), .epoch = since_1970}, 100 * nanosecond, 1},
                    NicCase{"mhz_156", {.hz = 156.25e6, .epoch = 0x123456789abcdef}, 100 * nanosecond, 1},
                    NicCase{"mhz_1", {.hz = 1e6, .epoch = 99}, 2 * microsecond, 1},
                    NicCase{"comes_round_at_64_bits", {.epoch = uint64_t(-7'000'000'000)}, 100 * nanosecond, 0.98},
                    NicCase{"comes_round_at_32_bits", {.epoch = soon_round(32), .bits = 32}, 100 * nanosecond, 0.98},
                    NicCase{"comes_round_at_32_bits_156_mhz",
                            {.hz = 156.25e6, .epoch = soon_round(32, 156.25e6), .bits = 32},
                            100 * nanosecond,
                            0.98},
                    NicCase{"comes_round_at_40_bits", {.epoch = soon_round(40), .bits = 40}, 100 * nanosecond, 0.98},
                    NicCase{"comes_round_at_48_bits", {.epoch = soon_round(48), .bits = 48}, 100 * nanosecond, 0.98},
                    NicCase{"comes_round_at_56_bits", {.epoch = soon_round(56), .bits = 56}, 100 * nanosecond, 0.98},
                    NicCase{"interrupted_readings", {.epoch = since_1970, .interrupted = 0.5}, 100 * nanosecond, 1},
                    NicCase{"steered", {.epoch = since_1970, .steered = 50 * microsecond}, 3 * microsecond, 0.99}),
    [](const auto& each) { return each.param.name; });

TEST(NicClock, WrongReadingsAreLeftOut) {
  for (const uint64_t seed : seeds) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Simulation simulation({.epoch = since_1970, .wrong = 0.03}, seed);
    run(simulation, 0, 5);
    const Told told = run(simulation, 5, 120);
    EXPECT_LT(told.worst, 100 * nanosecond);
    EXPECT_GE(told.share(), 0.9);
  }
}

TEST(NicClock, ComesRoundWhileLearning) {
  for (const uint64_t seed : seeds) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Simulation simulation({.epoch = (uint64_t{1} << 32) - 350'000'000, .bits = 32}, seed);
    EXPECT_LT(run(simulation, 0, 2).worst, 100 * nanosecond);
    const Told told = run(simulation, 2, 60);
    EXPECT_LT(told.worst, 100 * nanosecond);
    EXPECT_GE(told.share(), 0.98);
    EXPECT_EQ(simulation.clock().restarts(), 1u);
  }
}

TEST(NicClock, ACoarseOneIsNotUsed) {
  Simulation simulation({.hz = 1000}, 6);
  const Told told = run(simulation, 0, 30);
  EXPECT_EQ(told.times, 0u);
  EXPECT_EQ(simulation.clock().state(), NicClock::State::coarse);
  EXPECT_NEAR(simulation.clock().hz(), 1000, 10);
}

TEST(NicClock, OneThatDoesNotGoIsNotUsed) {
  Simulation simulation({.hz = 0, .epoch = 5}, 7);
  EXPECT_EQ(run(simulation, 0, 30).times, 0u);
  EXPECT_EQ(simulation.clock().state(), NicClock::State::learning);
}

TEST(NicClock, OneWhoseReadingsAllTakeLongIsNotUsed) {
  Simulation simulation({.interrupted = 1}, 8);
  NicReading reading{tsc_start, 0, tsc_start + static_cast<uint64_t>(21e-6 * tsc_hz)};
  for (int i = 0; i < 100; ++i) {
    simulation.clock().feed({&reading, 1});
    reading.before += static_cast<uint64_t>(tsc_hz / 10);
    reading.after += static_cast<uint64_t>(tsc_hz / 10);
    reading.device += 100'000'000;
  }
  EXPECT_EQ(simulation.clock().state(), NicClock::State::learning);
}

struct StepCase {
  const char* name;
  Nic nic;
  std::function<void(Simulation&, double)> step;
};

void PrintTo(const StepCase& c, std::ostream* out) {
  *out << c.name;
}

class NicSteps : public testing::TestWithParam<StepCase> {};

TEST_P(NicSteps, AreFoundAtTheNextLookAndAllIsLearntAnew) {
  for (const uint64_t seed : seeds) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Simulation simulation(GetParam().nic, seed);
    const double stepped = 60 + simulation.drawn(0, 1);
    ASSERT_GT(run(simulation, 0, 60).times, 0u);
    double now = 60;
    while ((now += 0.1) < stepped) simulation.look(now);
    GetParam().step(simulation, now);
    while (!simulation.look(now)) now += 0.1;
    EXPECT_LE(now, stepped + 1.2);
    const double found = now + 0.01;
    EXPECT_FALSE(simulation.error(found - 0.001, found)) << "nothing is told from then on";
    const Told after = run(simulation, std::ceil(now * 10 + 1) / 10, now + 3);
    EXPECT_LT(after.worst, 100 * nanosecond);
    EXPECT_GT(after.share(), 0.4) << "again within little more than a second";
    EXPECT_EQ(run(simulation, now + 3, now + 60).not_at_all, 0u);
    EXPECT_EQ(simulation.clock().restarts(), 1u);
  }
}

std::function<void(Simulation&, double)> set_by(double seconds) {
  return [seconds](Simulation& simulation, double) { simulation.set_by(seconds); };
}

INSTANTIATE_TEST_SUITE_P(, NicSteps,
                         testing::Values(StepCase{"ahead", {.epoch = since_1970}, set_by(0.01)},
                                         StepCase{"back", {.epoch = since_1970}, set_by(-0.01)},
                                         StepCase{"ahead_by_little", {.epoch = since_1970}, set_by(30e-6)},
                                         StepCase{"back_by_little", {.epoch = since_1970}, set_by(-30e-6)},
                                         StepCase{"ahead_by_an_hour", {.epoch = since_1970}, set_by(3600)},
                                         StepCase{"started_anew",
                                                  {.epoch = since_1970},
                                                  [](Simulation& simulation, double at) { simulation.start_anew(at); }},
                                         StepCase{
                                             "started_anew_with_fewer_bits",
                                             {.epoch = uint64_t{1} << 47, .bits = 48},
                                             [](Simulation& simulation, double at) { simulation.start_anew(at); }}),
                         [](const auto& each) { return each.param.name; });

TEST(NicClock, IsReadSoonWhileLearningAndThenEachSecond) {
  Simulation simulation({}, 9);
  unsigned looks = 0;
  for (unsigned tenth = 0; tenth < 32; ++tenth) looks += simulation.look(tenth / 10.0 + 0.001 * tenth);
  EXPECT_EQ(looks, 32u);
  for (unsigned tenth = 33; tenth < 133; ++tenth) looks += simulation.look(tenth / 10.0 + 0.001 * tenth);
  EXPECT_NEAR(looks, 32 + 10, 1);
}

TEST(NicLine, IsNotBelievedWithoutReadings) {
  Simulation simulation({}, 10);
  run(simulation, 0, 30);
  EXPECT_TRUE(simulation.error(32, 32.1));
  EXPECT_FALSE(simulation.error(34.9, 35));
}

TEST(NicLine, TakesStampsOfTheLastSecondOnlyAndNoneOfTheFuture) {
  Simulation simulation({.epoch = since_1970}, 11);
  run(simulation, 0, 30);
  EXPECT_TRUE(simulation.error(29.1, 30));
  EXPECT_FALSE(simulation.error(28.9, 30));
  EXPECT_FALSE(simulation.error(30.0001, 30));
  EXPECT_FALSE(simulation.error(3000, 30));
  EXPECT_FALSE(simulation.error(-3000, 30));
  NicLine line;
  ASSERT_TRUE(simulation.clock().line().load(line));
  EXPECT_EQ(line.tsc_of(simulation.stamp(30.00001), simulation.tsc(30)), simulation.tsc(30)) << "no later than now";
  for (const uint64_t stamp : {uint64_t{0}, uint64_t{1}, UINT64_MAX, uint64_t{1} << 63})
    EXPECT_FALSE(line.tsc_of(stamp, simulation.tsc(30))) << stamp;
  EXPECT_FALSE(NicLine{}.tsc_of(0, 0));
}

} // namespace
} // namespace anytick::io
