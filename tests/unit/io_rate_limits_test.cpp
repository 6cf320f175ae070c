#include "dataplane/io/rate_limits.h"

#include <gtest/gtest.h>

namespace anytick::io {
namespace {

constexpr core::Ticks now = core::ticks_per_second;

/// Answers that a thread's limiter grants at once to one source, with a burst of one second.
unsigned granted(Limits& limits, unsigned thread) {
  core::Limiter& limiter = limits.of(thread);
  core::Counters counters;
  core::Random random(1);
  const geo::Address address = *geo::parse_address("192.0.2.1");
  unsigned count = 0;
  while (limiter.judge(limiter.source_of(address), address, core::AnswerClass::answer, now, counters, random) ==
         core::LimitVerdict::send)
    ++count;
  return count;
}

LimitConfig config_of(double per_second) {
  LimitConfig config;
  config.rules.per_second.fill(per_second);
  config.rules.burst_seconds = 1;
  config.memory_bytes = 1 << 20;
  return config;
}

TEST(RateLimits, EachWorkerHasTheWholeRateWhereSourcesStay) {
  const auto limits = Limits::make(config_of(120), 3, false);
  ASSERT_TRUE(limits);
  for (unsigned thread = 0; thread < 4; ++thread) EXPECT_EQ(granted(**limits, thread), 120u) << thread;
}

TEST(RateLimits, AndItsShareWhereTheyDoNot) {
  const auto limits = Limits::make(config_of(120), 3, true);
  ASSERT_TRUE(limits);
  for (unsigned thread = 0; thread < 4; ++thread) EXPECT_EQ(granted(**limits, thread), 40u) << thread;
}

TEST(RateLimits, OneWorkerHasAll) {
  const auto limits = Limits::make(config_of(120), 1, true);
  ASSERT_TRUE(limits);
  EXPECT_EQ(granted(**limits, 0), 120u);
}

TEST(RateLimits, ReportsAreLoggedOnce) {
  const auto limits = Limits::make(config_of(1), 1, false);
  ASSERT_TRUE(limits);
  granted(**limits, 1);
  (*limits)->log_reports();
  EXPECT_FALSE((*limits)->of(1).report());
}

TEST(RateLimits, TicksOfAClock) {
  EXPECT_EQ(ticks_at(0), 0u);
  EXPECT_EQ(ticks_at(59), 0u);
  EXPECT_EQ(ticks_at(60), 1u);
  EXPECT_EQ(ticks_at(999'999'999), core::ticks_per_second - 1);
  EXPECT_EQ(ticks_at(1'000'000'000), core::ticks_per_second);
  constexpr int64_t century = int64_t{100} * 365 * 86'400;
  EXPECT_EQ(ticks_at(century * 1'000'000'000), century * core::ticks_per_second);
}

TEST(RateLimits, MemoryThatIsNotThere) {
  LimitConfig config = config_of(1);
  config.memory_bytes = uint64_t{1} << 60;
  const auto limits = Limits::make(config, 1, false);
  ASSERT_FALSE(limits);
  EXPECT_EQ(limits.refusal().what, "limit.memory_mb");
}

} // namespace
} // namespace anytick::io
