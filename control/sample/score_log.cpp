#include "control/sample/score_log.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <random>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "control/command.h"
#include "control/scores/step.h"
#include "control/text.h"

namespace anytick::sample {
namespace {

constexpr double score_at_first = 18;
constexpr uint32_t flaky_misses = 25; ///< of 100 checks

struct Watched {
  const SampleServer* server;
  std::string address;
  std::vector<double> scores; ///< by monitor
};

class LogWriter {
 public:
  LogWriter(const std::string& path, const LogOptions& options)
      : path_(path), hidden_(path + ".tmp"), random_(options.seed),
        file_(std::fopen(hidden_.c_str(), "w"), &std::fclose) {
    if (file_ == nullptr) fail();
    put("ts_epoch,ts,offset,step,score,monitor_id,monitor_name,rtt,leap,error,server\n");
  }

  void check(int64_t when, uint32_t monitor, Watched& watched) {
    const double offset = (static_cast<double>(random_() % 10'001) - 5'000) * 1e-6;
    const double rtt = 5 + static_cast<double>(random_() % 120'000) * 1e-3;
    const Health health = watched.server->health;
    const bool missed = health == Health::bad || (health == Health::flaky && random_() % 100 < flaky_misses);
    const scores::Step step =
        missed ? scores::step_of({.responded = false}) : scores::step_of({.stratum = 2, .offset = offset});
    double& score = watched.scores[monitor];
    score = scores::next_score(score, step);
    const std::string seen =
        missed ? fmt::format("{},,{:g},{:.6f}", control::date_text(static_cast<uint64_t>(when)), step.step, score)
               : fmt::format("{},{:.6f},{:g},{:.6f}", control::date_text(static_cast<uint64_t>(when)), offset,
                             step.step, score);
    put(fmt::format("{},{},{},monitor{}.example,{},0,{},{}\n", when, seen, monitor + 1, monitor + 1,
                    missed ? "" : fmt::format("{:.3f}", rtt), missed ? "i/o timeout" : "", watched.address));
    ++rows_;
  }

  uint64_t finish() {
    if (std::fflush(file_.get()) != 0 || std::rename(hidden_.c_str(), path_.c_str()) != 0) fail();
    return rows_;
  }

 private:
  void put(std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size()) fail();
  }
  [[noreturn]] void fail() const {
    throw control::CommandFailure(control::exit_refused, path_ + ": " + std::strerror(errno));
  }

  std::string path_, hidden_;
  std::mt19937_64 random_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  uint64_t rows_ = 0;
};

} // namespace

WrittenLog write_score_log(const std::string& path, const World& world, const LogOptions& options) {
  std::vector<Watched> all;
  for (const SampleServer& server : world.servers)
    all.push_back({&server, geo::to_text(server.address), std::vector<double>(options.monitors, score_at_first)});
  LogWriter writer(path, options);
  // A monitor goes through all servers once in an interval, and monitors begin at different times of it.
  for (int64_t second = options.begin; second < options.end; ++second) {
    for (uint32_t monitor = 0; monitor < options.monitors; ++monitor) {
      const auto phase = static_cast<uint64_t>(second) +
                         uint64_t{monitor} * static_cast<uint64_t>(options.interval) / options.monitors;
      for (uint64_t at = phase % static_cast<uint64_t>(options.interval); at < all.size();
           at += static_cast<uint64_t>(options.interval))
        writer.check(second, monitor, all[at]);
    }
  }
  return {path, writer.finish()};
}

} // namespace anytick::sample
