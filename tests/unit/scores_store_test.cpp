// Scores in a database: what is read back, files again, in pieces and in any order, and what others write.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "control/scores/history.h"
#include "control/scores/stored_board.h"
#include "control_files.h"
#include "databases.h"
#include "scores_database.h"

namespace anytick::scores {
namespace {

using control::test::TemporaryDirectory;

constexpr int64_t start = 1'700'000'000;

geo::Address server(uint32_t number) {
  return geo::Address::ipv4(0xc0000200 + number);
}

/// A line of observations.
std::string seen(uint32_t server, uint32_t monitor, int64_t when, const std::string& more) {
  return fmt::format(R"({{"ts": {}, "server": "192.0.2.{}", "monitor": {}, {}}})"
                     "\n",
                     when, server, monitor, more);
}

std::string good(uint32_t server, uint32_t monitor, int64_t when) {
  return seen(server, monitor, when, R"("stratum": 2, "offset": 0.001, "rtt": 12.5)");
}

std::string silent(uint32_t server, uint32_t monitor, int64_t when) {
  return seen(server, monitor, when, R"("response": false, "error": "i/o timeout")");
}

class ScoresStore : public anytick::test::OnDatabase {
 protected:
  Ingested take(StoredBoard& board, const std::string& name, const std::string& text, const StoreOptions& options = {},
                const StoredBoard::Progress& progress = {}) {
    return board.ingest(files_.write(name, text), {}, options, progress);
  }
  Ingested take(const std::string& name, const std::string& text, const StoreOptions& options = {}) {
    return take(stored_, name, text, options);
  }

  TemporaryDirectory files_;
  StoredBoard stored_{*database_};
};
INSTANTIATE_TEST_SUITE_P(Engines, ScoresStore, anytick::test::both_engines, anytick::test::engine_name);

uint64_t counted(const Ingested& told) {
  return told.taken[static_cast<size_t>(Taken::counted)];
}

// A row that is older than all of a full window goes behind it at once.
TEST_P(ScoresStore, HistoryHasTheScoreOfALateRow) {
  std::string rows;
  for (int64_t i = 1; i <= 64; ++i) rows += good(1, 1, start + 50 * i);
  take("a.jsonl", rows);
  take("b.jsonl", good(1, 1, start));
  const auto newest = newest_rows(*database_, server(1), 100);
  ASSERT_EQ(newest.size(), 65u);
  EXPECT_EQ(newest.back().when, start);
  EXPECT_EQ(newest.back().score, 1);
}

TEST_P(ScoresStore, ReadsBackWhatItTook) {
  take("a.jsonl", good(1, 1, start) + silent(1, 2, start + 3) + good(2, 1, start + 60) +
                      seen(2, 7, start + 61, R"("stratum": 0, "kiss": "DENY", "name": "uslax1", "status": "testing")"));
  take("192.0.2.3.csv", "ts_epoch,step,score,monitor_id,monitor_name\n1700000000,1,19.123456789012345,4,de\xff\n");
  take("192.0.2.4.json", R"({"history": [], "monitors": [{"id": 9, "name": "x", "type": "monitor",
                             "status": "candidate"}], "server": {"ip": "2001:db8::4"}})");
  StoredBoard again(*database_);
  again.refresh();
  EXPECT_EQ(again.board().servers(), stored_.board().servers());
  EXPECT_EQ(again.board().monitor_names(), stored_.board().monitor_names());
  EXPECT_EQ(again.board().find(server(2), 7)->status, MonitorStatus::testing);
  EXPECT_EQ(again.board().find(server(3), 4)->score, 19.123456789012345);
  EXPECT_EQ(again.board().monitor_names().at(4), "de\\xff");
  EXPECT_EQ(again.overall(start + 60), stored_.overall(start + 60));
  EXPECT_EQ(again.overall(start + 60).at(server(1)), 1) << "of two, the older";
}

TEST_P(ScoresStore, TheSameFileChangesNothing) {
  const std::string text = good(1, 1, start) + good(1, 1, start + 10'000) + silent(1, 1, start + 9'000) +
                           good(1, 1, start + 9'000) + silent(1, 1, start + 2'000);
  const std::string log = "ts_epoch,step,score,monitor_id\n1700010000,1,19,3\n1700000000,1,18,3\n1700010000,1,17,3\n";
  EXPECT_EQ(counted(take("a.jsonl", text)), 3u);
  EXPECT_EQ(counted(take("192.0.2.1.csv", log)), 1u);
  const std::string before = test::dump(*database_);
  const auto changes = [&] {
    long long number = 0;
    database_->read([&](soci::session& sql) { sql << "SELECT MAX(changed) FROM scored", soci::into(number); });
    return number;
  };
  const long long last = changes();
  for (size_t rows : {1, 2, 1000}) {
    EXPECT_EQ(counted(take("a.jsonl", text, {.batch_rows = rows})), 0u);
    EXPECT_EQ(counted(take("192.0.2.1.csv", log, {.batch_rows = rows})), 0u);
    EXPECT_EQ(test::dump(*database_), before);
    EXPECT_EQ(changes(), last) << "others need not read it again";
  }
}

/// Rows of few servers and monitors that come late now and then, some twice, some unlike the first.
std::string drawn_feed(std::mt19937& random, int rows) {
  std::string text;
  std::vector<std::string> lines;
  for (int64_t i = 0; i < rows; ++i) {
    const uint32_t whom = static_cast<uint32_t>(1 + random() % 3), who = static_cast<uint32_t>(1 + random() % 2);
    const int64_t when = start + i * 60 - (random() % 3 == 0 ? static_cast<int64_t>(random() % 9000) : 0);
    lines.push_back(random() % 5 == 0 ? silent(whom, who, when) : good(whom, who, when));
    text += random() % 10 == 0 ? lines[random() % lines.size()] : lines.back();
  }
  return text;
}

TEST_P(ScoresStore, InPiecesAndByManyProcessesIsAsAtOnceInMemory) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const std::string text = drawn_feed(random, 200);
  Scoreboard memory;
  const std::string file = files_.write("all.jsonl", text);
  const Ingested at_once = ingest(file, {}, memory);
  take("all.jsonl", text);
  EXPECT_EQ(stored_.board().servers(), memory.servers());
  const std::string whole = test::dump(*database_);
  for (const size_t rows : {size_t{7}, 1 + random() % 100}) {
    const anytick::test::EmptyDatabase other(GetParam());
    const auto database = other.open();
    StoredBoard pieces(*database);
    // Another process takes each batch.
    size_t begin = 0, number = 0;
    std::array<uint64_t, taken_count> taken{};
    while (begin < text.size()) {
      size_t end = begin;
      for (size_t row = 0; row < rows && end < text.size(); ++row) end = text.find('\n', end) + 1;
      StoredBoard fresh(*database);
      StoredBoard& board = number++ % 2 == 0 ? pieces : fresh;
      const Ingested told = take(board, "piece.jsonl", text.substr(begin, end - begin));
      for (size_t kind = 0; kind < taken_count; ++kind) taken[kind] += told.taken[kind];
      begin = end;
    }
    pieces.refresh();
    EXPECT_EQ(pieces.board().servers(), memory.servers()) << rows;
    EXPECT_EQ(taken, at_once.taken) << rows;
    EXPECT_EQ(test::dump(*database), whole) << rows;
  }
}

TEST_P(ScoresStore, OfTwoHoursAnyOrderIsTheSameInHistoryToo) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  std::vector<std::pair<int64_t, bool>> checks;
  for (int64_t when = start; when <= start + window_seconds; when += 240) checks.emplace_back(when, random() % 4 != 0);
  double score = 0;
  std::vector<HistoryRow> expected;
  for (const auto& [when, is_good] : checks) {
    const Step step{is_good ? 1.0 : -5.0};
    score = next_score(score, step);
    expected.insert(expected.begin(), history_row({.server = {}, .monitor = 1, .when = when, .step = step}, score));
  }
  std::shuffle(checks.begin(), checks.end(), random);
  std::string text;
  for (const auto& [when, is_good] : checks) text += is_good ? good(1, 1, when) : silent(1, 1, when);
  take("a.jsonl", text, {.batch_rows = 1 + random() % 8});
  EXPECT_EQ(stored_.board().find(server(1), 1)->score, score);
  std::vector<HistoryRow> rows = newest_rows(*database_, server(1), 1000);
  for (HistoryRow& row : rows) row.offset.reset(), row.rtt.reset(), row.error.clear();
  EXPECT_EQ(rows, expected);
}

TEST_P(ScoresStore, ThrownOutBetweenTransactionsAFileIsTakenUpAgain) {
  std::mt19937 random(5);
  const std::string text = drawn_feed(random, 60);
  take("a.jsonl", text);
  const std::string whole = test::dump(*database_);
  for (int step = 1; step <= 5; ++step) {
    const anytick::test::EmptyDatabase other(GetParam());
    const auto database = other.open();
    StoredBoard board(*database);
    int steps = 0;
    const auto stop = [&](uint64_t) {
      if (++steps == step) throw std::runtime_error("on purpose");
    };
    try {
      take(board, "a.jsonl", text, {.batch_rows = 9}, stop);
    } catch (const std::runtime_error&) {
    }
    EXPECT_EQ(steps, step);
    take(board, "a.jsonl", text, {.batch_rows = 11});
    EXPECT_EQ(test::dump(*database), whole) << step;
    StoredBoard again(*database);
    again.refresh();
    EXPECT_EQ(board.board().servers(), again.board().servers());
  }
}

TEST_P(ScoresStore, AfterAnErrorOfTheDatabaseItHoldsWhatIsThere) {
  take("a.jsonl", good(1, 1, start));
  const std::string before = test::dump(*database_);
  database_->transact([](soci::session& sql) { sql << "ALTER TABLE history RENAME TO away"; });
  EXPECT_THROW(take("b.jsonl", good(1, 1, start + 60) + good(2, 1, start)), soci::soci_error);
  database_->transact([](soci::session& sql) { sql << "ALTER TABLE away RENAME TO history"; });
  EXPECT_EQ(test::dump(*database_), before);
  stored_.refresh();
  EXPECT_EQ(stored_.board().find(server(2), 1), nullptr);
  EXPECT_EQ(stored_.board().find(server(1), 1)->checks, 1u);
  EXPECT_EQ(counted(take("b.jsonl", good(1, 1, start + 60) + good(2, 1, start))), 2u);
  EXPECT_EQ(stored_.board().find(server(1), 1)->checks, 2u);
}

TEST_P(ScoresStore, RefreshSeesWhatOthersWrote) {
  const auto connection = empty_.open();
  StoredBoard other(*connection);
  other.refresh();
  EXPECT_TRUE(other.board().servers().empty());
  take("a.jsonl", good(1, 1, start) + seen(2, 1, start, R"("stratum": 2, "name": "one")"));
  other.refresh();
  EXPECT_EQ(other.board().servers(), stored_.board().servers());
  EXPECT_EQ(other.board().monitor_names(), stored_.board().monitor_names());
  take(other, "b.jsonl", silent(2, 1, start + 60));
  stored_.refresh();
  EXPECT_EQ(other.board().servers(), stored_.board().servers());
  EXPECT_EQ(stored_.board().find(server(2), 1)->checks, 2u);
}

TEST_P(ScoresStore, AMonitorCountsNoMoreThanItsLimit) {
  EXPECT_FALSE(stored_.limit(1, MonitorStatus::inactive));
  take("a.jsonl", silent(1, 1, start) + silent(1, 2, start) + silent(1, 3, start) + good(1, 4, start));
  EXPECT_EQ(stored_.overall(start), (std::map<geo::Address, double>{{server(1), -5}}));
  const auto connection = empty_.open();
  StoredBoard other(*connection);
  other.refresh();
  for (uint32_t monitor : {1, 2, 3}) EXPECT_TRUE(stored_.limit(monitor, MonitorStatus::inactive));
  EXPECT_EQ(stored_.overall(start).at(server(1)), 1);
  other.refresh();
  EXPECT_EQ(other.overall(start).at(server(1)), 1);
  EXPECT_EQ(other.board().limits().size(), 3u);
  EXPECT_EQ(other.board().find(server(1), 1)->status, MonitorStatus::active) << "what the feed says stays";
  EXPECT_TRUE(other.limit(2, MonitorStatus::active));
  EXPECT_TRUE(other.limit(4, MonitorStatus::testing));
  stored_.refresh();
  EXPECT_EQ(stored_.overall(start).at(server(1)), -5) << "an active one goes before one in testing";
}

TEST_P(ScoresStore, KeepsHistoryFromATimeOn) {
  take("a.jsonl", good(1, 1, start) + good(1, 1, start + 60), {.history_from = start + 60});
  EXPECT_EQ(newest_rows(*database_, server(1), 10).size(), 1u);
  take("b.jsonl", good(2, 1, start), {.history_from = std::numeric_limits<int64_t>::max()});
  EXPECT_TRUE(newest_rows(*database_, server(2), 10).empty());
  EXPECT_EQ(stored_.board().find(server(1), 1)->checks, 2u);
  EXPECT_EQ(stored_.board().find(server(2), 1)->checks, 1u);
}

TEST_P(ScoresStore, TellsTheNewestRows) {
  std::string text;
  for (int64_t i = 0; i < 100; ++i) text += i % 10 == 0 ? silent(1, 2, start + i * 3000) : good(1, 1, start + i * 3000);
  take("a.jsonl", text);
  const auto rows = newest_rows(*database_, server(1), 50);
  ASSERT_EQ(rows.size(), 50u);
  EXPECT_EQ(rows.front().when, start + 99 * 3000);
  EXPECT_EQ(rows.back().when, start + 50 * 3000);
  EXPECT_EQ(rows.back().error, "i/o timeout");
  EXPECT_EQ(newest_rows(*database_, server(1), 50, 2).size(), 10u);
  EXPECT_EQ(newest_rows(*database_, server(1), 50, 2, start + 45'000).size(), 2u);
  EXPECT_EQ(newest_rows(*database_, server(1), 1000).size(), 100u);
  EXPECT_TRUE(newest_rows(*database_, server(1), 0).empty());
  EXPECT_TRUE(newest_rows(*database_, server(9), 10).empty());
}

TEST_P(ScoresStore, TellsWhenAScoreCrossedABound) {
  const auto crossing = [&](const std::map<uint32_t, MonitorStatus>& statuses = {}) {
    return last_crossing(*database_, server(1), 10, statuses);
  };
  EXPECT_FALSE(crossing());
  std::string text;
  int64_t when = start;
  for (int i = 0; i < 13; ++i, when += 540)
    for (uint32_t monitor : {1, 2, 3}) text += good(1, monitor, when + monitor);
  take("a.jsonl", text);
  EXPECT_FALSE(crossing()) << "it was never there";
  // The median of three follows the second.
  take("b.jsonl", good(1, 1, when + 1) + good(1, 2, when + 2) + good(1, 3, when + 3));
  ASSERT_TRUE(crossing());
  EXPECT_EQ(crossing()->when, when + 2);
  EXPECT_TRUE(crossing()->above);
  EXPECT_GE(crossing()->score, 10);
  EXPECT_FALSE(crossing({{1, MonitorStatus::inactive}, {2, MonitorStatus::inactive}, {3, MonitorStatus::inactive}}));
  when += 86'400;
  take("c.jsonl", silent(1, 1, when) + silent(1, 2, when + 1));
  EXPECT_EQ(crossing()->when, when);
  EXPECT_FALSE(crossing()->above);
}

} // namespace
} // namespace anytick::scores
