// Rows of score feeds per second into the hub's database, scores and history: an hour of 5,000 servers and 20 monitors
// after the other, into SQLite and into a PostgreSQL of its own. Beside it what the hub does with them.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <memory>
#include <string>

#include "control/scores/history.h"
#include "control/scores/stored_board.h"
#include "tests/unit/control_files.h"
#include "tests/unit/databases.h"
#include "tests/unit/score_feed.h"

namespace anytick::scores {
namespace {

using test::FeedKind;

constexpr test::FeedShape shape;

/// A database with some hours in it.
class Filled {
 public:
  explicit Filled(store::Engine engine, int64_t hours = 0) : empty_(engine), database_(empty_.open()) {
    for (int64_t hour = 0; hour < hours; ++hour) board_.ingest(feed(FeedKind::log, hour), {}, {}, {});
  }

  std::string feed(FeedKind kind, int64_t hour) {
    const std::string path = files_.file(kind == FeedKind::log ? "hour.csv" : "hour.jsonl");
    rows_ = test::write_feed(shape, kind, hour, UINT64_MAX, path, nullptr);
    return path;
  }
  uint64_t rows() const { return rows_; } ///< of the last feed
  StoredBoard& board() { return board_; }
  store::Database& database() { return *database_; }

 private:
  anytick::test::EmptyDatabase empty_;
  control::test::TemporaryDirectory files_;
  std::unique_ptr<store::Database> database_;
  StoredBoard board_{*database_};
  uint64_t rows_ = 0;
};

void ingest_hours(benchmark::State& state, store::Engine engine, FeedKind kind) {
  Filled filled(engine);
  uint64_t rows = 0;
  int64_t hour = 0;
  for (auto _ : state) {
    state.PauseTiming();
    const std::string path = filled.feed(kind, hour++);
    state.ResumeTiming();
    const Ingested told = filled.board().ingest(path, {}, {}, {});
    rows += told.taken[static_cast<size_t>(Taken::counted)];
    if (told.taken[static_cast<size_t>(Taken::counted)] != filled.rows()) state.SkipWithError("rows were not counted");
  }
  state.SetItemsProcessed(static_cast<int64_t>(rows));
}

void ingest_again(benchmark::State& state, store::Engine engine) {
  Filled filled(engine, 1);
  const std::string path = filled.feed(FeedKind::log, 0);
  for (auto _ : state) benchmark::DoNotOptimize(filled.board().ingest(path, {}, {}, {}));
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * filled.rows()));
}

void load_board(benchmark::State& state, store::Engine engine) {
  Filled filled(engine, 2);
  for (auto _ : state) {
    StoredBoard board(filled.database());
    board.refresh();
    benchmark::DoNotOptimize(board);
  }
}

void overall_scores(benchmark::State& state, store::Engine engine) {
  Filled filled(engine, 1);
  for (auto _ : state) benchmark::DoNotOptimize(filled.board().overall(shape.start + 3600));
}

void explain_server(benchmark::State& state, store::Engine engine) {
  Filled filled(engine, 2);
  const geo::Address server = geo::Address::ipv4(0x0a000001);
  for (auto _ : state) {
    benchmark::DoNotOptimize(newest_rows(filled.database(), server, 100));
    benchmark::DoNotOptimize(last_crossing(filled.database(), server, 10, {}));
  }
}

constexpr auto sqlite = store::Engine::sqlite, postgresql = store::Engine::postgresql;

BENCHMARK_CAPTURE(ingest_hours, sqlite_log, sqlite, FeedKind::log)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->Iterations(4);
BENCHMARK_CAPTURE(ingest_hours, sqlite_observations, sqlite, FeedKind::observations)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->Iterations(4);
BENCHMARK_CAPTURE(ingest_hours, postgresql_log, postgresql, FeedKind::log)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->Iterations(4);
BENCHMARK_CAPTURE(ingest_again, sqlite, sqlite)->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(2);
BENCHMARK_CAPTURE(load_board, sqlite, sqlite)->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(4);
BENCHMARK_CAPTURE(load_board, postgresql, postgresql)->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(4);
BENCHMARK_CAPTURE(overall_scores, sqlite, sqlite)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(explain_server, sqlite, sqlite)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(explain_server, postgresql, postgresql)->Unit(benchmark::kMillisecond)->UseRealTime();

} // namespace
} // namespace anytick::scores

BENCHMARK_MAIN();
