// Texts of scores and history in the database.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "control/scores/history_block.h"
#include "control/scores/standing_text.h"

namespace anytick::scores {
namespace {

constexpr int64_t hour = 472'222;
constexpr int64_t begin = hour * hour_seconds;

HistoryRow row(int64_t second, uint32_t monitor, double score = 1) {
  return {.when = begin + second, .monitor = monitor, .step = 1, .score = score};
}

TEST(RecentText, IsWhatItSays) {
  std::string text = "before";
  write_recent({}, text);
  EXPECT_EQ(text, "");
  write_recent({{.when = 1'700'000'000, .value = 1},
                {.when = 1'700'000'540, .value = 19.5, .stated = true},
                {.when = 1'700'001'081, .value = -10, .cap = -50}},
               text);
  EXPECT_EQ(text, "1700000000:1 540:19.5s 541:-10c-50");
}

TEST(RecentText, IsExact) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> score(-200, 20);
  for (int turn = 0; turn < 200; ++turn) {
    std::vector<Check> recent;
    int64_t when = static_cast<int64_t>(random() % 2'000'000'000);
    for (size_t count = random() % (window_checks + 1); count > 0; --count) {
      when += 1 + static_cast<int64_t>(random() % 600);
      recent.push_back({.when = when,
                        .value = score(random),
                        .cap = random() % 4 == 0 ? score(random) : no_cap,
                        .stated = random() % 2 == 0});
    }
    std::string text;
    write_recent(recent, text);
    const auto read = read_recent(text);
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(*read, recent) << text;
  }
}

TEST(RecentText, RefusesWhatIsNone) {
  for (const char* text : {"x", "1", "1:", "1:1 ", "1:1  2:2", "1:1,2:2", "1:1c", "1:1sx", " 1:1"})
    EXPECT_FALSE(read_recent(text)) << text;
}

TEST(HistoryRow, IsRoundedAndPrintable) {
  const Row told{.server = {},
                 .monitor = 3,
                 .when = begin,
                 .step = {-4, -20},
                 .offset = 0.0123456789012,
                 .rtt = 12.34567,
                 .leap = 3,
                 .error = "bad\nline \xff"};
  const HistoryRow kept = history_row(told, 1.0 / 3);
  EXPECT_EQ(kept, (HistoryRow{.when = begin,
                              .monitor = 3,
                              .step = -4,
                              .score = 0.333333,
                              .offset = 0.012345679,
                              .rtt = 12.346,
                              .leap = 3,
                              .error = "bad\\x0aline \\xff"}));
}

TEST(HistoryRow, IsARowAgain) {
  const HistoryRow kept{
      .when = begin, .monitor = 3, .step = -4, .score = 5.5, .offset = 0.25, .rtt = 12, .leap = 3, .error = "bad"};
  const Row row = row_of(geo::Address::ipv4(1), kept);
  EXPECT_EQ(row.server, geo::Address::ipv4(1));
  EXPECT_EQ(history_row(row, *row.score), kept);
}

TEST(HistoryBlock, IsWhatItSays) {
  HistoryBlock block(hour);
  HistoryRow whole = row(1830, 12, 19.998236);
  whole.offset = -0.012345678;
  whole.rtt = 101.25;
  HistoryRow bad = row(1830, 13, -5);
  bad.step = -5;
  bad.leap = 3;
  bad.error = "i/o timeout";
  EXPECT_TRUE(block.merge(std::vector{whole, bad}));
  EXPECT_EQ(block.lines(), "1830 12 1 19.998236 -0.012345678 101.25 0\n1830 13 -5 -5 - - 3 i/o timeout\n");
  EXPECT_EQ(block.rows(), (std::vector{whole, bad}));
}

TEST(HistoryBlock, MergesInAnyOrderAndTheFirstStays) {
  HistoryBlock block(hour);
  EXPECT_TRUE(block.merge(std::vector{row(100, 1), row(200, 1)}));
  EXPECT_FALSE(block.merge(std::vector{row(100, 1, 7), row(200, 1, 7)})) << "they are there";
  EXPECT_TRUE(block.merge(std::vector{row(100, 2, 3), row(100, 2, 4), row(300, 1)}));
  EXPECT_TRUE(block.merge(std::vector{row(50, 9), row(300, 1, 8)}));
  EXPECT_FALSE(block.merge({}));
  EXPECT_EQ(block.rows(), (std::vector{row(50, 9), row(100, 1), row(100, 2, 3), row(200, 1), row(300, 1)}));
}

TEST(HistoryBlock, OfPiecesIsAsOfAll) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int turn = 0; turn < 100; ++turn) {
    std::vector<HistoryRow> all;
    for (int64_t second = 0; second < 3600; second += 1 + static_cast<int64_t>(random() % 300))
      all.push_back(row(second, static_cast<uint32_t>(random() % 3), static_cast<double>(random() % 20)));
    HistoryBlock once(hour), pieces(hour);
    once.merge(all);
    std::vector<std::vector<HistoryRow>> parts(1 + random() % 5);
    for (const HistoryRow& each : all) parts[random() % parts.size()].push_back(each);
    for (const auto& part : parts) pieces.merge(part);
    EXPECT_EQ(pieces.lines(), once.lines());
  }
}

TEST(HistoryBlock, Rescores) {
  HistoryBlock block(hour);
  block.merge(std::vector{row(100, 1), row(200, 1), row(200, 2)});
  EXPECT_FALSE(block.rescore(std::vector{row(200, 1)})) << "it is that";
  EXPECT_FALSE(block.rescore(std::vector{row(150, 1, 5)})) << "it is not there";
  EXPECT_TRUE(block.rescore(std::vector{row(200, 1, 5)}));
  EXPECT_EQ(block.rows(), (std::vector{row(100, 1), row(200, 1, 5), row(200, 2)}));
}

TEST(HistoryBlock, ThinsToTheLastOfEachMonitor) {
  HistoryBlock block(hour);
  block.merge(std::vector{row(100, 1), row(100, 2), row(200, 1), row(300, 3), row(400, 1)});
  EXPECT_TRUE(block.thin());
  EXPECT_EQ(block.rows(), (std::vector{row(100, 2), row(300, 3), row(400, 1)}));
  EXPECT_FALSE(block.thin());
}

TEST(HistoryBlock, RefusesWhatIsNone) {
  for (const char* lines : {"x\n", "1 1 1 1 - - 0", "1 1 1 1 - -\n", "1 1 1 1 - - 0error\n", "1 1 1 1 -- 0\n", "\n"})
    EXPECT_THROW(HistoryBlock(hour, lines).rows(), std::runtime_error) << lines;
}

} // namespace
} // namespace anytick::scores
