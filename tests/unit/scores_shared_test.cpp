// Scores in a database that several write at once, that are killed, and whose history is pruned meanwhile.

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "control/scores/history.h"
#include "control/scores/prune.h"
#include "control/scores/stored_board.h"
#include "control_files.h"
#include "databases.h"
#include "score_feed.h"
#include "scores_database.h"

namespace anytick::scores {
namespace {

using anytick::test::EmptyDatabase;
using control::test::TemporaryDirectory;
using Clock = std::chrono::steady_clock;

constexpr test::FeedShape shape{.servers = 24, .monitors = 4};
constexpr StoreOptions small{.batch_rows = 200};

class ScoresShared : public anytick::test::OnDatabase {
 protected:
  /// An hour's rows; returns the file.
  std::string feed(int64_t hour, test::FeedKind kind = test::FeedKind::observations) {
    const std::string name = fmt::format("hour-{}.{}", hour, kind == test::FeedKind::log ? "csv" : "jsonl");
    test::write_feed(shape, kind, hour, UINT64_MAX, files_.file(name), nullptr);
    return files_.file(name);
  }

  static void take(const EmptyDatabase& empty, const std::vector<std::string>& files) {
    const auto database = empty.open();
    StoredBoard board(*database);
    for (const std::string& file : files) board.ingest(file, {}, small, {});
  }

  /// As if nobody had disturbed it.
  std::string undisturbed(const std::vector<std::string>& files) {
    const EmptyDatabase empty(GetParam());
    take(empty, files);
    return test::dump(*empty.open());
  }

  TemporaryDirectory files_;
  /// What children write. SQLite must not be open here when they are made.
  EmptyDatabase shared_{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Engines, ScoresShared, anytick::test::both_engines, anytick::test::engine_name);

/// A process that runs `work` and then ends.
pid_t child_of(const std::function<void()>& work) {
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork");
  if (child > 0) return child;
  try {
    work();
  } catch (...) {
    ::_exit(1);
  }
  ::_exit(0);
}

/// What it ended of: a signal, 0, or -1 where its work failed.
int ended(pid_t child) {
  int status = 0;
  if (::waitpid(child, &status, 0) != child) throw std::runtime_error("waitpid");
  return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

TEST_P(ScoresShared, KilledAtAnyTimeAFileIsTakenUpAgain) {
  const std::vector<std::string> files{feed(0), feed(1, test::FeedKind::log)};
  const std::string whole = undisturbed(files);
  const EmptyDatabase timed(GetParam());
  timed.open();
  const auto begin = Clock::now();
  ASSERT_EQ(ended(child_of([&] { take(timed, files); })), 0);
  const auto duration = Clock::now() - begin;
  int killed = 0;
  constexpr int moments = 10;
  for (int moment = 0; moment < moments; ++moment) {
    const EmptyDatabase empty(GetParam());
    empty.open();
    const pid_t child = child_of([&] { take(empty, files); });
    std::this_thread::sleep_for(duration * moment / moments);
    ::kill(child, SIGKILL);
    killed += ended(child) == SIGKILL;
    take(empty, files);
    EXPECT_EQ(test::dump(*empty.open()), whole) << moment;
  }
  EXPECT_GT(killed, 0) << "all had ended before";
}

TEST_P(ScoresShared, KilledAfterEachTransactionAFileIsTakenUpAgain) {
  const std::vector<std::string> files{feed(0)};
  const std::string whole = undisturbed(files);
  for (int step = 1; step <= 6; ++step) {
    const EmptyDatabase empty(GetParam());
    empty.open();
    const pid_t child = child_of([&] {
      const auto database = empty.open();
      StoredBoard board(*database);
      int steps = 0;
      board.ingest(files[0], {}, small, [&](uint64_t) {
        if (++steps == step) ::raise(SIGKILL);
      });
    });
    EXPECT_EQ(ended(child), SIGKILL);
    take(empty, files);
    EXPECT_EQ(test::dump(*empty.open()), whole) << step;
  }
}

TEST_P(ScoresShared, TwoOfTheSameFileAreAsOne) {
  const std::vector<std::string> files{feed(0), feed(1)};
  const std::string whole = undisturbed(files);
  shared_.open();
  const pid_t one = child_of([&] { take(shared_, files); });
  const pid_t other = child_of([&] { take(shared_, files); });
  EXPECT_EQ(ended(one), 0);
  EXPECT_EQ(ended(other), 0);
  EXPECT_EQ(test::dump(*shared_.open()), whole);
}

TEST_P(ScoresShared, TwoOfDifferentFilesLoseNothing) {
  // Every server and monitor is in both files, each second row in either: within 2 hours their order does not matter.
  Scoreboard memory;
  const std::string all = feed(0);
  ingest(all, {}, memory);
  std::ifstream lines(all);
  std::array<std::string, 2> halves;
  std::mt19937 random(1);
  for (std::string line; std::getline(lines, line);) halves[random() % 2] += line + "\n";
  shared_.open();
  std::vector<pid_t> children;
  for (size_t i = 0; i < halves.size(); ++i)
    children.push_back(
        child_of([&, file = files_.write(fmt::format("half-{}.jsonl", i), halves[i])] { take(shared_, {file}); }));
  for (const pid_t child : children) EXPECT_EQ(ended(child), 0);
  const auto database = shared_.open();
  StoredBoard stored(*database);
  stored.refresh();
  EXPECT_EQ(stored.board().servers(), memory.servers());
  EXPECT_EQ(test::dump(*database), undisturbed({all}));
}

uint64_t checks_of(const Scoreboard& board) {
  uint64_t checks = 0;
  for (const auto& [server, standings] : board.servers())
    for (const Standing& each : standings) checks += each.checks;
  return checks;
}

TEST_P(ScoresShared, ReadersSeeWholeBatchesBesideAWriter) {
  const std::vector<std::string> files{feed(0), feed(1)};
  // As many checks as there are when a batch is committed.
  std::set<uint64_t> whole{0};
  {
    const EmptyDatabase alone(GetParam());
    const auto database = alone.open();
    StoredBoard board(*database);
    for (const std::string& file : files)
      board.ingest(file, {}, small, [&](uint64_t) { whole.insert(checks_of(board.board())); });
    whole.insert(checks_of(board.board()));
  }
  ASSERT_GT(whole.size(), 4u);
  shared_.open();
  const pid_t writer = child_of([&] { take(shared_, files); });
  const auto database = shared_.open();
  StoredBoard reader(*database);
  uint64_t before = 0;
  int status = 0;
  for (bool running = true; running;) {
    running = ::waitpid(writer, &status, WNOHANG) == 0;
    reader.refresh();
    const uint64_t checks = checks_of(reader.board());
    EXPECT_GE(checks, before);
    EXPECT_TRUE(whole.contains(checks)) << checks;
    before = checks;
  }
  EXPECT_EQ(status, 0);
  EXPECT_EQ(before, *whole.rbegin());
  StoredBoard fresh(*database);
  fresh.refresh();
  EXPECT_EQ(reader.board().servers(), fresh.board().servers());
}

uint64_t rows_of(store::Database& database, const geo::Address& server) {
  return newest_rows(database, server, 1'000'000).size();
}

TEST_P(ScoresShared, PruningRemovesOldHoursAndThinsThoseBefore) {
  take(empty_, {feed(0), feed(1), feed(2), feed(3)});
  const geo::Address server = geo::Address::ipv4(0x0a000001);
  StoredBoard board(*database_);
  board.refresh();
  const std::string first = test::dump(*database_);
  EXPECT_EQ(prune(*database_, {.from = shape.start, .full_from = shape.start}).removed, 0u);
  EXPECT_EQ(test::dump(*database_), first);
  const Retention retention{.from = shape.start + 3600 + 1, .full_from = shape.start + 3 * 3600 + 1800};
  const Pruned pruned = prune(*database_, retention);
  EXPECT_EQ(pruned.removed, shape.servers);
  EXPECT_EQ(pruned.thinned, 2 * shape.servers);
  std::map<std::pair<int64_t, uint32_t>, int> in_hour;
  int64_t oldest = INT64_MAX;
  for (const HistoryRow& row : newest_rows(*database_, server, 1'000'000)) {
    ++in_hour[{hour_of(row.when), row.monitor}];
    oldest = std::min(oldest, row.when);
  }
  EXPECT_GE(oldest, shape.start + 3600);
  EXPECT_EQ(in_hour.size(), 3u * shape.monitors);
  for (const auto& [key, count] : in_hour)
    EXPECT_EQ(count == 1, key.first < hour_of(shape.start) + 3) << key.first << ' ' << key.second << ' ' << count;
  StoredBoard again(*database_);
  again.refresh();
  EXPECT_EQ(again.board().servers(), board.board().servers()) << "scores stay";
  const Pruned nothing = prune(*database_, retention);
  EXPECT_EQ(nothing.removed + nothing.thinned, 0u);
}

TEST_P(ScoresShared, AFileAgainLeavesThinHoursThin) {
  const std::vector<std::string> files{feed(0, test::FeedKind::log), feed(1, test::FeedKind::log),
                                       feed(2, test::FeedKind::log), feed(3, test::FeedKind::log)};
  take(empty_, files);
  prune(*database_, {.from = 0, .full_from = shape.start + 2 * 3600});
  const std::string before = test::dump(*database_);
  take(empty_, files);
  EXPECT_EQ(test::dump(*database_), before);
}

TEST_P(ScoresShared, PruningBesideAWriterLosesNothing) {
  const std::vector<std::string> files{feed(0), feed(1), feed(2)};
  shared_.open();
  const pid_t writer = child_of([&] { take(shared_, files); });
  const auto database = shared_.open();
  const Retention retention{.from = 0, .full_from = shape.start + 3 * 3600};
  int status = 0;
  for (bool running = true; running;) {
    running = ::waitpid(writer, &status, WNOHANG) == 0;
    prune(*database, retention);
  }
  EXPECT_EQ(status, 0);
  EXPECT_EQ(rows_of(*database, geo::Address::ipv4(0x0a000000)), 3u * shape.monitors);
  const EmptyDatabase other(GetParam());
  take(other, files);
  const auto after = other.open();
  prune(*after, retention);
  EXPECT_EQ(test::dump(*database), test::dump(*after));
}

} // namespace
} // namespace anytick::scores
