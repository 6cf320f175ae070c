#include "control/scores/scoreboard.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>

namespace anytick::scores {
namespace {

constexpr int64_t start = 1'700'000'000;
constexpr Step good{1}, silent{-5}, denied{-10, -50};

geo::Address server(uint32_t number) {
  return geo::Address::ipv4(0xc0000200 + number);
}

Row row(int64_t when, const Step& step, uint32_t monitor = 1) {
  return {.server = server(1), .monitor = monitor, .when = when, .step = step};
}

Row stated(int64_t when, double score, uint32_t monitor = 1) {
  Row told = row(when, good, monitor);
  told.score = score;
  return told;
}

TEST(Score, OfGoodChecksReaches10WithThe14thAndNeverPasses20) {
  double score = 0;
  for (int check = 1; check <= 2000; ++check) {
    score = next_score(score, good);
    EXPECT_EQ(score >= 10, check >= 14) << check;
    ASSERT_LE(score, score_max);
  }
  EXPECT_NEAR(score, 20, 1e-12);
}

TEST(Score, OfTwoTimeoutsAfter20) {
  EXPECT_NEAR(next_score(next_score(20, silent), silent), 8.3, 1e-12);
}

TEST(Score, IsCappedAtOnce) {
  EXPECT_EQ(next_score(20, denied), -50);
  EXPECT_NEAR(next_score(-50, denied), -57.5, 1e-12);
  EXPECT_EQ(next_score(20, {-2, 5}), 5);
}

TEST(Score, OfAnOffsetThatIsNoNumberIsNotGood) {
  EXPECT_EQ(step_of({.stratum = 1, .offset = std::numeric_limits<double>::quiet_NaN()}), (Step{-4, -20}));
  EXPECT_EQ(step_of({.stratum = 1, .offset = -std::numeric_limits<double>::infinity()}), (Step{-4, -20}));
}

TEST(Standing, FoldsStepsByTime) {
  Standing standing;
  EXPECT_EQ(standing.take({.when = start, .value = 1}), Taken::counted);
  EXPECT_EQ(standing.take({.when = start + 600, .value = -5}), Taken::counted);
  EXPECT_DOUBLE_EQ(standing.score, 0.95 - 5);
  EXPECT_EQ(standing.when(), start + 600);
  EXPECT_EQ(standing.checks, 2u);
}

TEST(Standing, RefoldsWhereALateRowFits) {
  Standing standing;
  standing.take({.when = start + 600, .value = -5});
  standing.take({.when = start, .value = 1});
  EXPECT_DOUBLE_EQ(standing.score, 0.95 - 5);
  standing.take({.when = start + 300, .value = 1});
  EXPECT_DOUBLE_EQ(standing.score, 0.95 * 1.95 - 5);
}

TEST(Standing, TakesTheScoreThatIsStatedLast) {
  Standing standing;
  standing.take({.when = start + 60, .value = 17.5, .stated = true});
  standing.take({.when = start, .value = 3, .stated = true});
  EXPECT_EQ(standing.score, 17.5);
  standing.take({.when = start + 120, .value = 1});
  EXPECT_DOUBLE_EQ(standing.score, 0.95 * 17.5 + 1);
}

TEST(Standing, KnowsARowAgain) {
  Standing standing;
  const Check check{.when = start, .value = 1};
  standing.take(check);
  standing.take({.when = start + 60, .value = 1});
  const Standing before = standing;
  EXPECT_EQ(standing.take(check), Taken::again);
  EXPECT_EQ(standing, before);
}

TEST(Standing, KeepsTheFirstOfTwoRowsOfOneSecond) {
  Standing standing;
  standing.take({.when = start, .value = 1});
  const Standing before = standing;
  EXPECT_EQ(standing.take({.when = start, .value = -5}), Taken::conflicting);
  EXPECT_EQ(standing.take({.when = start, .value = 1, .stated = true}), Taken::conflicting);
  EXPECT_EQ(standing, before);
}

TEST(Standing, TakesWhatIsTwoHoursLateAndNotASecondMore) {
  Standing standing;
  standing.take({.when = start, .value = 1});
  const Standing before = standing;
  EXPECT_EQ(standing.take({.when = start - window_seconds - 1, .value = 1}), Taken::too_late);
  EXPECT_EQ(standing.take({.when = start - window_seconds - 1, .value = 1, .stated = true}), Taken::history);
  EXPECT_EQ(standing, before);
  EXPECT_EQ(standing.take({.when = start - window_seconds, .value = 1}), Taken::counted);
  EXPECT_DOUBLE_EQ(standing.score, 1.95);
}

TEST(Standing, IsBoundedAndItsBaseStays) {
  Standing standing;
  double score = 0;
  for (int64_t i = 0; i < 1000; ++i) {
    const Step step = i % 7 == 0 ? silent : good;
    standing.take({.when = start + i, .value = step.step});
    score = next_score(score, step);
    ASSERT_LE(standing.recent.size(), window_checks);
  }
  EXPECT_EQ(standing.score, score);
  EXPECT_EQ(standing.checks, 1000u);
  // 2 hours are not over, but there were more checks than are kept.
  EXPECT_EQ(standing.base_when, start + 1000 - static_cast<int64_t>(window_checks) - 1);
  EXPECT_EQ(standing.take({.when = standing.base_when, .value = 1}), Taken::too_late);
}

TEST(Scoreboard, IsPerServerAndMonitor) {
  Scoreboard board;
  board.take(row(start, good, 1));
  board.take(row(start, silent, 2));
  Row other = row(start, denied, 1);
  other.server = *geo::parse_address("2001:db8::1");
  board.take(other);
  EXPECT_EQ(board.find(server(1), 1)->score, 1);
  EXPECT_EQ(board.find(server(1), 2)->score, -5);
  EXPECT_EQ(board.find(other.server, 1)->score, -50);
  EXPECT_EQ(board.find(other.server, 2), nullptr);
  EXPECT_EQ(board.find(server(9), 1), nullptr);
  EXPECT_EQ(board.servers().size(), 2u);
}

TEST(Scoreboard, OverallScoreIsOfTheMonitorsThatAreActive) {
  Scoreboard board;
  for (uint32_t monitor = 1; monitor <= 4; ++monitor) board.take(stated(start, monitor, monitor));
  board.take(server(1), {.id = 9, .name = "paused", .status = MonitorStatus::inactive});
  board.take(stated(start, 20, 9));
  EXPECT_EQ(board.overall(server(1), start), 2.0);
  board.take(server(1), {.id = 1, .status = MonitorStatus::testing});
  EXPECT_EQ(board.overall(server(1), start), 3.0);
  EXPECT_EQ(board.overall(server(2), start), std::nullopt);
}

TEST(Scoreboard, AMonitorThatOnlyHasAStatusHasNoScore) {
  Scoreboard board;
  board.take(server(1), {.id = 1, .name = "a", .status = MonitorStatus::active});
  EXPECT_EQ(board.overall(server(1), start), std::nullopt);
}

TEST(Scoreboard, GoesOnFromWhatWasStored) {
  Scoreboard whole, stored;
  for (int64_t i = 0; i < 100; ++i) whole.take(row(start + 600 * i, i % 9 == 0 ? silent : good));
  for (int64_t i = 0; i < 50; ++i) stored.take(row(start + 600 * i, i % 9 == 0 ? silent : good));
  Scoreboard restored;
  restored.restore(server(1), *stored.find(server(1), 1));
  for (int64_t i = 45; i < 100; ++i) restored.take(row(start + 600 * i, i % 9 == 0 ? silent : good));
  EXPECT_EQ(*restored.find(server(1), 1), *whole.find(server(1), 1));
}

/// Rows of some servers and monitors over a day, by time.
std::vector<Row> drawn_rows(std::mt19937_64& random, size_t count) {
  constexpr Step steps[] = {good, silent, denied, {-3.5}, {-2, 5}, {-4, -20}, {-4}, {-2}, {0.5}, {-0.87}};
  std::vector<Row> rows;
  for (size_t i = 0; i < count; ++i) {
    Row drawn = row(start + static_cast<int64_t>(i) * 40, steps[random() % std::size(steps)],
                    static_cast<uint32_t>(random() % 3 + 1));
    drawn.server = server(static_cast<uint32_t>(random() % 3));
    if (random() % 5 == 0) drawn.score = static_cast<double>(random() % 2201) / 10 - 200;
    rows.push_back(drawn);
  }
  return rows;
}

/// Each row up to an hour late or early: never more than the window behind another.
void disorder(std::vector<Row>& rows, std::mt19937_64& random) {
  std::vector<std::pair<int64_t, Row>> keyed;
  for (const Row& each : rows) keyed.emplace_back(each.when + static_cast<int64_t>(random() % window_seconds), each);
  std::stable_sort(keyed.begin(), keyed.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = keyed[i].second;
}

TEST(ScoreboardProperty, AnyOrderWithinTheWindowGivesTheSame) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 50; ++round) {
    std::vector<Row> rows = drawn_rows(random, 2000);
    Scoreboard ordered, disordered;
    for (const Row& each : rows) ASSERT_EQ(ordered.take(each).taken, Taken::counted);
    disorder(rows, random);
    for (const Row& each : rows) ASSERT_EQ(disordered.take(each).taken, Taken::counted);
    ASSERT_EQ(disordered.servers(), ordered.servers());
  }
}

TEST(ScoreboardProperty, RowsAgainChangeNothing) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 50; ++round) {
    std::vector<Row> rows = drawn_rows(random, 1000);
    disorder(rows, random);
    Scoreboard once, twice;
    for (const Row& each : rows) {
      once.take(each);
      twice.take(each);
      ASSERT_EQ(twice.take(each).taken, Taken::again);
    }
    for (const Row& each : rows) ASSERT_NE(twice.take(each).taken, Taken::counted);
    ASSERT_EQ(twice.servers(), once.servers());
  }
}

TEST(ScoreboardProperty, NoScoreLeavesItsBounds) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  Scoreboard board;
  Observation seen;
  constexpr const char* codes[] = {"RATE", "DENY", "RSTR", "", "INIT"};
  for (int64_t i = 0; i < 200'000; ++i) {
    // In spells, so that both ends are reached.
    const bool bad = i / 500 % 2 == 0;
    seen.responded = !bad || random() % 2 == 0;
    seen.stratum = bad ? static_cast<unsigned>(random() % 3) : 1 + static_cast<unsigned>(random() % 8);
    seen.kiss = codes[bad ? random() % 3 : random() % std::size(codes)];
    seen.offset = (static_cast<double>(random() % 2000) - 1000) / (bad ? 100 : 50'000);
    board.take(row(start + i * 60, step_of(seen)));
    const double score = board.find(server(1), 1)->score;
    ASSERT_LE(score, score_max);
    ASSERT_GE(score, score_min);
  }
}

} // namespace
} // namespace anytick::scores
