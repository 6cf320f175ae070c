#include "dataplane/core/clock.h"

#include <cmath>
#include <functional>
#include <limits>
#include <ostream>
#include <random>

#include <gtest/gtest.h>

namespace anytick::core {
namespace {

constexpr int64_t second = 1'000'000'000;
constexpr int64_t era_1 = 2'085'978'496 * second; // 2036-02-07 06:28:16 UTC
constexpr uint32_t init = 0x54494e49;             // "INIT" on the wire

struct TimeCase {
  const char* name;
  int64_t nanoseconds;
  NtpTime time;
};

void PrintTo(const TimeCase& c, std::ostream* out) {
  *out << c.name;
}

class TimeOfReading : public testing::TestWithParam<TimeCase> {};

TEST_P(TimeOfReading, IsRoundedDown) {
  EXPECT_EQ(ntp_time(GetParam().nanoseconds), GetParam().time);
}

INSTANTIATE_TEST_SUITE_P(, TimeOfReading,
                         testing::Values(TimeCase{"year_1970", 0, 0x83aa7e80'00000000},
                                         TimeCase{"one_nanosecond", 1, 0x83aa7e80'00000004},
                                         TimeCase{"half_a_second", second / 2, 0x83aa7e80'80000000},
                                         TimeCase{"last_nanosecond", second - 1, 0x83aa7e80'fffffffb},
                                         TimeCase{"before_1970", -1, 0x83aa7e7f'fffffffb},
                                         TimeCase{"a_second_before_1970", -second, 0x83aa7e7f'00000000},
                                         TimeCase{"year_1900", -2'208'988'800 * second, 0},
                                         TimeCase{"before_1900", -2'208'988'800 * second - 1, 0xffffffff'fffffffb},
                                         TimeCase{"end_of_era_0", era_1 - 1, 0xffffffff'fffffffb},
                                         TimeCase{"era_1", era_1, 0},
                                         TimeCase{"era_1_and_a_second", era_1 + second, 0x00000001'00000000},
                                         TimeCase{"latest", INT64_MAX, 0xa96bfb84'dad29658}, // 2262-04-11
                                         TimeCase{"earliest", INT64_MIN, 0x5de9017b'252d69a3}),
                         [](const auto& each) { return each.param.name; });

TEST(NtpTimes, DifferencesAreDurationsInEveryEra) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (const int64_t around : {int64_t{0}, era_1, -2'208'988'800 * second})
    for (int i = 0; i < 10'000; ++i) {
      const int64_t from = around - static_cast<int64_t>(random() % (10 * second));
      const uint64_t duration = random() % (20 * second);
      const NtpTime difference = ntp_time(from + static_cast<int64_t>(duration)) - ntp_time(from);
      // Each of the three is rounded down.
      EXPECT_LE(difference - ntp_duration(duration) + 1, 2u) << from << " and " << duration;
    }
}

TEST(NtpDuration, IsRoundedDown) {
  EXPECT_EQ(ntp_duration(0), 0u);
  EXPECT_EQ(ntp_duration(1), 4u);
  EXPECT_EQ(ntp_duration(second / 2), 0x80000000u);
  EXPECT_EQ(ntp_duration(second), 0x1'00000000u);
  EXPECT_EQ(ntp_duration(3 * second - 1), 0x2'fffffffbu);
}

TEST(NtpShort, IsRoundedUp) {
  constexpr double most = 65536;
  EXPECT_EQ(ntp_short(0), 0u);
  EXPECT_EQ(ntp_short(-0.0), 0u);
  EXPECT_EQ(ntp_short(1e-9), 1u);
  EXPECT_EQ(ntp_short(1 / most), 1u);
  EXPECT_EQ(ntp_short(1), 65536u);
  EXPECT_EQ(ntp_short(1 + 1e-9), 65537u);
  EXPECT_EQ(ntp_short(16), 16u << 16);
  for (const double none : {-1e-3, most, 1e300, std::numeric_limits<double>::infinity(),
                            -std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()})
    EXPECT_EQ(ntp_short(none), UINT32_MAX) << none;
}

/// What was known at `now`, a second before which the clock was measured.
constexpr WallTime now{1'800'000'000 * second, 5'000 * second};

ClockState good() {
  return {.synchronised = 1,
          .leap = 1,
          .stratum = 2,
          .refid = 0x01020304,
          .precision = -23,
          .reference_time = ntp_time(now.realtime - second),
          .root_delay = 0.020,
          .root_dispersion = 0.003,
          .wander = 15e-6,
          .slope = 0,
          .correction = 0,
          .measured = now.monotonic,
          .expires = now.monotonic + 10 * second,
          .epoch = now.realtime - now.monotonic,
          .not_before = now.realtime - 1'000 * second};
}

WallTime after(int64_t nanoseconds) {
  return {now.realtime + nanoseconds, now.monotonic + nanoseconds};
}

struct StateCase {
  const char* name;
  bool synchronised;
  std::function<void(ClockState&, WallTime&)> change;
};

void PrintTo(const StateCase& c, std::ostream* out) {
  *out << c.name;
}

class StateOfClock : public testing::TestWithParam<StateCase> {};

TEST_P(StateOfClock, TellsGoodTimeOnlyWhereItIs) {
  ClockState state = good();
  WallTime at = now;
  GetParam().change(state, at);
  const NtpClock clock = clock_at(state, at);
  EXPECT_EQ(clock.is_synchronised(), GetParam().synchronised);
  EXPECT_EQ(clock.precision, -23);
  if (clock.is_synchronised()) {
    EXPECT_EQ(clock.leap, 1);
    EXPECT_EQ(clock.stratum, 2);
    EXPECT_EQ(clock.refid, 0x01020304u);
    return;
  }
  EXPECT_EQ(clock.leap, 3);
  EXPECT_EQ(clock.stratum, 0);
  EXPECT_EQ(clock.refid, init);
  EXPECT_EQ(clock.reference_time, 0u);
  EXPECT_EQ(clock.root_delay, 0u);
  EXPECT_EQ(clock.root_dispersion, 0u);
  EXPECT_EQ(clock.now, ntp_time(at.realtime)) << "uncorrected, but running";
}

/// CLOCK_REALTIME alone goes on by this.
auto stepped(int64_t step) {
  return [step](ClockState&, WallTime& at) { at.realtime += step; };
}
auto later(int64_t nanoseconds) {
  return [nanoseconds](ClockState&, WallTime& at) { at = after(nanoseconds); };
}
auto of(auto member, auto value) {
  return [=](ClockState& state, WallTime&) { state.*member = value; };
}

INSTANTIATE_TEST_SUITE_P(
    , StateOfClock,
    testing::Values(
        StateCase{"good", true, [](ClockState&, WallTime&) {}},
        StateCase{"not_synchronised", false, of(&ClockState::synchronised, 0)},
        StateCase{"nothing_known", false,
                  [](ClockState& state, WallTime&) { state = {.precision = -23, .not_before = 0}; }},
        StateCase{"nearly_expired", true, later(10 * second - 1)}, StateCase{"expired", false, later(10 * second)},
        StateCase{"long_expired", false, later(100'000 * second)},
        StateCase{"read_before_it_was_measured", true, later(-second / 10)},
        StateCase{"stepped_forward_within_tolerance", true, stepped(step_tolerance)},
        StateCase{"stepped_forward", false, stepped(step_tolerance + 1)},
        StateCase{"stepped_back_within_tolerance", true, stepped(-step_tolerance)},
        StateCase{"stepped_back", false, stepped(-step_tolerance - 1)},
        StateCase{"suspended", false, stepped(3'600 * second)},
        StateCase{"at_not_before", true, of(&ClockState::not_before, now.realtime)},
        StateCase{"before_not_before", false, of(&ClockState::not_before, now.realtime + 1)},
        StateCase{"largest_distance", true,
                  [](ClockState& state, WallTime&) {
                    state.root_delay = 1.0;
                    state.root_dispersion = 0.5;
                  }},
        StateCase{"too_large_a_delay", false, of(&ClockState::root_delay, 1.999)},
        StateCase{"too_large_a_dispersion", false, of(&ClockState::root_dispersion, 0.9901)},
        StateCase{"a_dispersion_that_grew_too_large", false,
                  [](ClockState& state, WallTime& at) {
                    state.wander = 0.1;
                    at = after(10 * second - 1);
                  }},
        StateCase{"no_dispersion", false, of(&ClockState::root_dispersion, std::numeric_limits<double>::quiet_NaN())},
        StateCase{"no_delay", false, of(&ClockState::root_delay, std::numeric_limits<double>::quiet_NaN())}),
    [](const auto& each) { return each.param.name; });

TEST(ClockAt, CorrectsWhatItReads) {
  ClockState state = good();
  state.correction = -300'000'000;
  EXPECT_EQ(clock_at(state, now).now, ntp_time(now.realtime - 300'000'000));
  state.slope = 0.083333;
  EXPECT_EQ(clock_at(state, now).now, ntp_time(now.realtime - 300'000'000));
  EXPECT_EQ(clock_at(state, after(second)).now, ntp_time(now.realtime + second - 300'000'000 + 83'333'000));
  EXPECT_EQ(clock_at(state, after(-second)).now, ntp_time(now.realtime - second - 300'000'000 - 83'333'000));
}

TEST(ClockAt, DispersionGrowsWithAge) {
  ClockState state = good();
  state.wander = 0.01;
  EXPECT_EQ(clock_at(state, now).root_dispersion, ntp_short(0.003));
  EXPECT_EQ(clock_at(state, after(5 * second)).root_dispersion, ntp_short(0.053));
  EXPECT_EQ(clock_at(state, after(-second)).root_dispersion, ntp_short(0.003)) << "and does not shrink";
  EXPECT_EQ(clock_at(state, now).root_delay, ntp_short(0.020));
}

TEST(ClockAt, ReferenceTimeIsNeverAfterTheTime) {
  ClockState state = good();
  EXPECT_EQ(clock_at(state, now).reference_time, ntp_time(now.realtime - second));
  state.correction = -2 * second;
  EXPECT_EQ(clock_at(state, now).reference_time, ntp_time(now.realtime - 2 * second));
}

TEST(ClockAt, GoesOverTheEndOfAnEra) {
  ClockState state = good();
  const WallTime end{era_1 - second / 2, now.monotonic};
  state.epoch = end.realtime - end.monotonic;
  state.reference_time = ntp_time(end.realtime - 3 * second);
  const NtpClock before = clock_at(state, end);
  const NtpClock later = clock_at(state, {end.realtime + second, end.monotonic + second});
  ASSERT_TRUE(before.is_synchronised() && later.is_synchronised());
  EXPECT_EQ(before.now, 0xffffffff'80000000u);
  EXPECT_EQ(later.now, 0x00000000'80000000u);
  EXPECT_EQ(later.reference_time, state.reference_time) << "which is in the era before";
}

TEST(ClockCell, HasAStateFromTheStart) {
  const ClockCell cell;
  ClockState state = good();
  EXPECT_TRUE(cell.load(state));
  EXPECT_FALSE(clock_at(state, now).is_synchronised());
}

} // namespace
} // namespace anytick::core
