#include <gtest/gtest.h>

#include <deque>

#include "bench/load/histogram.h"
#include "bench/load/pace.h"

namespace anytick::bench {
namespace {

constexpr double hz = 1e9;
constexpr uint64_t begin = 123'456'789, us = 1000, ms = 1000 * us;

TEST(Pace, FramesAreDueEveryMillisecondOrInFullBursts) {
  Pace slow(2000, 1, hz, begin);
  EXPECT_EQ(slow.owed(begin), 2u);
  EXPECT_EQ(slow.owed(begin + ms - 1), 2u);
  EXPECT_EQ(slow.owed(begin + ms), 4u);
  EXPECT_EQ(slow.due(1), begin);
  EXPECT_EQ(slow.due(2), begin + ms);
  Pace single(10, 1, hz, begin);
  EXPECT_EQ(single.owed(begin + 99 * ms), 1u);
  EXPECT_EQ(single.owed(begin + 100 * ms), 2u);
  Pace fast(3'200'000, 1, hz, begin);
  EXPECT_EQ(fast.owed(begin + 10 * us - 1), 32u);
  EXPECT_EQ(fast.owed(begin + 10 * us), 64u);
}

TEST(Pace, ScheduleEndsWithItsSeconds) {
  Pace pace(2000, 3, hz, begin);
  EXPECT_EQ(pace.owed(begin + 2999 * ms), 6000u);
  EXPECT_EQ(pace.owed(begin + 60'000 * ms), 6000u);
  pace.sent(6000);
  EXPECT_EQ(pace.unsent(begin + 60'000 * ms), 0u);
}

TEST(Pace, FramesKeepTheirTimesHoweverLateOthersWere) {
  Pace pace(1000, 10, hz, begin);
  for (uint64_t i = 0; i < 5; ++i) {
    EXPECT_EQ(pace.owed(begin + i * ms), 1u);
    pace.sent(1);
  }
  const uint64_t late = begin + 1005 * ms;
  EXPECT_EQ(pace.owed(late), 1001u);
  for (uint64_t i = 5; i <= 1005; ++i) {
    ASSERT_EQ(pace.due(), begin + i * ms);
    pace.sent(1);
  }
  EXPECT_EQ(pace.owed(late), 0u);
  EXPECT_EQ(pace.due(), begin + 1006 * ms);
  EXPECT_EQ(pace.unsent(late), 0u);
}

TEST(Pace, PartOfABurstIsOwedStill) {
  Pace pace(32'000, 1, hz, begin);
  pace.sent(30);
  EXPECT_EQ(pace.owed(begin), 2u);
  EXPECT_EQ(pace.due(1), begin);
  EXPECT_EQ(pace.due(2), begin + ms);
}

TEST(Pace, WhatIsNeverSentIsTold) {
  Pace pace(1000, 1, hz, begin);
  pace.sent(300);
  EXPECT_EQ(pace.unsent(begin + 499 * ms), 200u);
  EXPECT_EQ(pace.unsent(begin + 5000 * ms), 700u);
}

TEST(Pace, WhatIsSkippedIsTold) {
  Pace pace(1000, 1, hz, begin);
  pace.sent(10);
  pace.skip_late(begin + 13 * ms);
  EXPECT_EQ(pace.owed(begin + 13 * ms), 4u);
  EXPECT_EQ(pace.due(), begin + 10 * ms);
  pace.skip_late(begin + 109 * ms);
  EXPECT_EQ(pace.owed(begin + 109 * ms), 4u);
  EXPECT_EQ(pace.due(), begin + 106 * ms);
  pace.sent(4);
  EXPECT_EQ(pace.unsent(begin + 109 * ms), 96u);
}

/// Latencies in ticks by a server that answers after 10 us, but nothing for a second in the middle of ten; a frame is
/// sent where fewer than `window` wait.
Histogram latencies_over_a_pause(Pace pace, size_t window) {
  const uint64_t dead = begin + 4000 * ms, alive = begin + 5000 * ms;
  Histogram latencies;
  std::deque<std::pair<uint64_t, uint64_t>> waiting; // due and answered
  for (uint64_t now = begin; now < begin + 11'000 * ms; now += 20 * us) {
    while (!waiting.empty() && waiting.front().second <= now) {
      latencies.add(waiting.front().second - waiting.front().first);
      waiting.pop_front();
    }
    for (; pace.owed(now) > 0 && waiting.size() < window; pace.sent(1))
      waiting.emplace_back(pace.due(), (now >= dead && now < alive ? alive : now) + 10 * us);
  }
  EXPECT_EQ(pace.unsent(begin + 11'000 * ms), 0u);
  return latencies;
}

TEST(Pace, NoWindowHidesAPause) {
  // A tenth of all frames falls into it, and waits for half of it on average.
  for (const size_t window : {64, 100'000}) {
    const Histogram latencies = latencies_over_a_pause(Pace(1000, 10, hz, begin), window);
    EXPECT_EQ(latencies.total(), 10'000u) << window;
    EXPECT_LT(latencies.quantile(0.89), ms) << window;
    EXPECT_NEAR(static_cast<double>(latencies.quantile(0.95)), 500.0 * ms, 10.0 * ms) << window;
    EXPECT_NEAR(static_cast<double>(latencies.max()), 1000.0 * ms, 2.0 * ms) << window;
  }
}

} // namespace
} // namespace anytick::bench
