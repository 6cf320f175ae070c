// 5,000 servers and 20 monitors in the database, in bounded memory. ANYTICK_SCORE_ROWS says how many rows.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "control/scores/stored_board.h"
#include "control_files.h"
#include "databases.h"
#include "score_feed.h"

namespace anytick::scores {
namespace {

using Clock = std::chrono::steady_clock;

constexpr uint64_t resident_max = uint64_t{512} << 20;

/// Forgets the most memory that was resident so far.
void reset_resident() {
  std::ofstream("/proc/self/clear_refs") << 5;
}

/// The most since then, bytes.
uint64_t most_resident() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (uint64_t kilobytes = 0; word == "VmHWM:" && status >> kilobytes) return kilobytes << 10;
  return UINT64_MAX;
}

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

uint64_t rows_wanted() {
  const char* text = std::getenv("ANYTICK_SCORE_ROWS");
  return text == nullptr ? 2'000'000 : std::strtoull(text, nullptr, 10);
}

class ScoresScale : public anytick::test::OnDatabase {
 protected:
  uint64_t database_bytes() {
    if (GetParam() == store::Engine::postgresql) {
      long long bytes = 0;
      database_->read([&](soci::session& sql) {
        sql << "SELECT pg_total_relation_size('history') + pg_total_relation_size('standings')", soci::into(bytes);
      });
      return static_cast<uint64_t>(bytes);
    }
    return std::filesystem::file_size(empty_.connection().substr(7));
  }

  void ingest_all(test::FeedKind kind);
};
INSTANTIATE_TEST_SUITE_P(Engines, ScoresScale, anytick::test::both_engines, anytick::test::engine_name);

void ScoresScale::ingest_all(test::FeedKind kind) {
  const control::test::TemporaryDirectory directory;
  const test::FeedShape shape;
  const std::string path = directory.file(kind == test::FeedKind::log ? "hour.csv" : "hour.jsonl");
  const uint64_t wanted = rows_wanted();
  StoredBoard stored(*database_);
  reset_resident();
  double seconds = 0, work = 0;
  uint64_t rows = 0;
  for (int64_t hour = 0; rows < wanted; ++hour) {
    const uint64_t of_hour = test::write_feed(shape, kind, hour, wanted - rows, path, nullptr);
    const auto begin = Clock::now();
    const std::clock_t work_begin = std::clock();
    const Ingested told = stored.ingest(path, {}, {}, {});
    seconds += seconds_since(begin);
    work += static_cast<double>(std::clock() - work_begin) / CLOCKS_PER_SEC;
    ASSERT_TRUE(told.clean()) << told.why();
    ASSERT_EQ(told.taken[static_cast<size_t>(Taken::counted)], of_hour);
    rows += of_hour;
  }
  const uint64_t resident = most_resident();
  fmt::print("{} rows in {:.1f} s: {:.0f} a second, {:.2f} us of this process each; {} MiB resident; database {} MiB\n",
             rows, seconds, static_cast<double>(rows) / seconds, work / static_cast<double>(rows) * 1e6, resident >> 20,
             database_bytes() >> 20);
  EXPECT_LT(resident, resident_max);

  StoredBoard again(*database_);
  auto begin = Clock::now();
  again.refresh();
  fmt::print("{} servers loaded in {:.3f} s", again.board().servers().size(), seconds_since(begin));
  begin = Clock::now();
  const auto scores = again.overall(shape.start + static_cast<int64_t>(rows / 100'000) * test::feed_turn);
  fmt::print(", overall scores in {:.1f} ms\n", seconds_since(begin) * 1e3);
  EXPECT_EQ(scores.size(), shape.servers);
  EXPECT_EQ(again.board().servers(), stored.board().servers());
}

TEST_P(ScoresScale, TakesPoolLogs) {
  ingest_all(test::FeedKind::log);
}

TEST_P(ScoresScale, TakesObservations) {
  ingest_all(test::FeedKind::observations);
}

} // namespace
} // namespace anytick::scores
