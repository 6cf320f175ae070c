// Rows of score feeds per second: read alone, and read into a scoreboard; against a reader of the same log as it is
// written without a thought, by streams.

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "control/scores/ingest.h"
#include "dataplane/core/random.h"

namespace anytick::scores {
namespace {

constexpr uint64_t rows = 200'000;
constexpr uint64_t servers = 1000;
constexpr uint64_t monitors = 20;

struct DrawnCheck {
  int64_t when;
  std::string server;
  uint64_t monitor;
  double offset, score, rtt;
};

/// By server, as logs come, or by time, as a feed does.
DrawnCheck drawn_check(uint64_t number, bool by_server, core::Random& random) {
  const uint64_t server = by_server ? number / (rows / servers) : number % servers;
  const uint64_t turn = by_server ? number % (rows / servers) : number / servers;
  const auto part = [&] { return static_cast<double>(random.next() % 1'000'000) / 1e6; };
  return {1'700'000'000 + static_cast<int64_t>(turn * 27),
          fmt::format("10.0.{}.{}", server / 256, server % 256),
          turn % monitors + 1,
          part() * 0.05 - 0.025,
          part() * 20,
          part() * 200};
}

std::string log_csv() {
  core::Random random(1);
  std::string text = "server,ts_epoch,ts,offset,step,score,monitor_id,monitor_name,rtt,leap,error\n";
  for (uint64_t i = 0; i < rows; ++i) {
    const DrawnCheck check = drawn_check(i, true, random);
    text += fmt::format("{},{},2023-11-14 22:13:20,{:.9f},1,{:.9f},{},mon{}-abc,{:.3f},,\n", check.server, check.when,
                        check.offset, check.score, check.monitor, check.monitor, check.rtt);
  }
  return text;
}

std::string pool_json() {
  core::Random random(1);
  std::string text = "{\"history\":[";
  for (uint64_t i = 0; i < rows; ++i) {
    const DrawnCheck check = drawn_check(i, true, random);
    text += fmt::format("{}{{\"ts\":{},\"offset\":{:.9f},\"step\":1,\"score\":{:.9f},\"monitor_id\":{}}}",
                        i == 0 ? "" : ",", 1'700'000'000 + i * 27, check.offset, check.score, check.monitor);
  }
  return text + "],\"monitors\":[],\"server\":{\"ip\":\"192.0.2.1\"}}";
}

std::string observations() {
  core::Random random(1);
  std::string text;
  for (uint64_t i = 0; i < rows; ++i) {
    const DrawnCheck check = drawn_check(i, false, random);
    text +=
        fmt::format("{{\"ts\":{},\"server\":\"{}\",\"monitor\":{},\"stratum\":2,\"offset\":{:.9f},\"rtt\":{:.3f}}}\n",
                    check.when, check.server, check.monitor, check.offset, check.rtt);
  }
  return text;
}

/// A file for one benchmark.
class Feed {
 public:
  Feed(const std::string& name, const std::string& text)
      : path_(std::filesystem::temp_directory_path() / fmt::format("anytick-scores-{}-{}", ::getpid(), name)) {
    std::ofstream(path_, std::ios::binary) << text;
  }
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;
  ~Feed() { std::filesystem::remove(path_); }

  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

class Counter : public RowSink {
 public:
  void take(const Row& row) override { benchmark::DoNotOptimize(&row); }
  void take(const geo::Address&, const Monitor&) override {}
};

void count_rows(benchmark::State& state) {
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * rows));
}

void baseline_streams(benchmark::State& state) {
  const Feed feed("log.csv", log_csv());
  for (auto _ : state) {
    std::ifstream file(feed.path());
    std::string line, cell;
    std::getline(file, line);
    double sum = 0;
    while (std::getline(file, line)) {
      std::istringstream cells(line);
      for (int column = 0; std::getline(cells, cell, ','); ++column)
        if (column != 0 && column != 2 && column != 7 && !cell.empty()) sum += std::stod(cell);
    }
    benchmark::DoNotOptimize(sum);
  }
  count_rows(state);
}

void read_feed(benchmark::State& state, const std::string& name, std::string (*text)()) {
  const Feed feed(name, text());
  for (auto _ : state) {
    Counter counter;
    RowFaults faults(name);
    const auto counts = read_rows(feed.path(), {}, counter, faults);
    if (!counts || counts->rows != rows) state.SkipWithError("not all rows were read");
  }
  count_rows(state);
}

void ingest_feed(benchmark::State& state, const std::string& name, std::string (*text)()) {
  const Feed feed(name, text());
  for (auto _ : state) {
    Scoreboard board;
    const Ingested told = ingest(feed.path(), {}, board);
    if (told.taken[static_cast<size_t>(Taken::counted)] != rows) state.SkipWithError("not all rows were counted");
  }
  count_rows(state);
}

BENCHMARK(baseline_streams)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(read_feed, log_csv, "log.csv", log_csv)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(read_feed, pool_json, "pool.json", pool_json)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(read_feed, observations, "feed.jsonl", observations)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(ingest_feed, log_csv, "log.csv", log_csv)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(ingest_feed, pool_json, "pool.json", pool_json)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(ingest_feed, observations, "feed.jsonl", observations)->Unit(benchmark::kMillisecond);

} // namespace
} // namespace anytick::scores

BENCHMARK_MAIN();
