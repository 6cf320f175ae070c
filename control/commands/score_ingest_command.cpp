#include "control/commands/score_ingest_command.h"

#include <chrono>
#include <cstdint>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "control/command.h"
#include "control/commands/hub_options.h"
#include "control/commands/progress.h"
#include "control/commands/score_text.h"
#include "control/hub/config.h"
#include "control/scores/prune.h"
#include "control/scores/spool.h"
#include "control/scores/stored_board.h"

namespace anytick::control {
namespace {

/// Between looks into a spool.
constexpr std::chrono::seconds watch_interval{1};

struct IngestCommand {
  HubOptions hub;
  std::vector<std::string> files;
  std::string spool;
  std::string server;
  std::optional<uint32_t> history_days;
  bool watch = false;
  bool remove = false;
  bool strict = false;
  bool json = false;
};

class Ingester {
 public:
  explicit Ingester(const IngestCommand& command)
      : command_(command), config_(hub_config_or_default(command.hub).scores), database_(open_database(command.hub)),
        board_(*database_) {
    options_.strict = command.strict;
    if (command.server.empty()) return;
    options_.read.server = geo::parse_address(command.server);
    if (!options_.read.server)
      throw CommandFailure(exit_usage, "score ingest: '" + command.server + "' is no IP address");
  }

  /// Returns what is wrong with it, or "".
  std::string take(const std::string& path) {
    const int64_t now = std::time(nullptr);
    options_.read.not_after = now + scores::ahead_max;
    const uint32_t days = command_.history_days.value_or(config_.history_days);
    const scores::StoreOptions storing{.history_from = scores::retention_of(days, 0, now).from};
    const scores::Ingested told = taken(path, storing);
    totals_.add(told);
    if (command_.json)
      fmt::print("{}\n", dumped(json_of(told, path), -1));
    else if (command_.watch)
      fmt::print("{}: {}\n", path, total_of(told));
    // Whoever watches waits for it, a pipe or a journal, too.
    std::fflush(stdout);
    std::string why = told.why();
    fmt::print(stderr, "{}", why);
    return why;
  }

  const IngestTotals& totals() const { return totals_; }
  bool keeps_files() const { return config_.keep_files && !command_.remove; }

 private:
  scores::Ingested taken(const std::string& path, const scores::StoreOptions& storing) {
    ProgressLine line;
    return board_.ingest(path, options_, storing, [&](uint64_t rows) {
      line.show(
          [&] { return fmt::format("{} rows, {:.0f} rows/s", rows, static_cast<double>(rows) / line.seconds()); });
    });
  }

  static std::string total_of(const scores::Ingested& told) {
    IngestTotals total;
    total.add(told);
    return total.text();
  }

  const IngestCommand& command_;
  hub::ScoresConfig config_;
  std::unique_ptr<store::Database> database_;
  scores::StoredBoard board_;
  scores::IngestOptions options_;
  IngestTotals totals_;
};

void ingest_spool(const IngestCommand& command, Ingester& ingester) {
  const auto done = ingester.keeps_files() ? scores::Spool::Done::keep : scores::Spool::Done::remove;
  auto spool = scores::Spool::open(command.spool, done);
  if (!spool) throw CommandFailure(exit_refused, spool.refusal().text());
  while (true) {
    spool->process([&](const std::string& path) { return ingester.take(path); });
    if (!command.watch) return;
    std::this_thread::sleep_for(watch_interval);
  }
}

void run_ingest(const IngestCommand& command) {
  if (command.files.empty() == command.spool.empty())
    throw CommandFailure(exit_usage, "score ingest: give FILES or --spool");
  Ingester ingester(command);
  for (const std::string& file : command.files) ingester.take(file);
  if (!command.spool.empty()) ingest_spool(command, ingester);
  if (!command.json) fmt::print("{}\n", ingester.totals().text());
  ingester.totals().check();
}

} // namespace

void add_score_ingest(CLI::App& score) {
  const auto command = std::make_shared<IngestCommand>();
  CLI::App* ingest = score.add_subcommand("ingest", "Take logs into the hub's database");
  ingest->add_option("FILE", command->files,
                     "pool logs (.csv), pool histories (.json) or observations (.jsonl), the oldest first");
  CLI::Option* spool = ingest->add_option("--spool", command->spool,
                                          "a directory: take what waits there, the oldest first, and move it to its "
                                          "done/, or with faults to its failed/");
  ingest->add_flag("--watch", command->watch, "wait for more files there, until a signal ends it")->needs(spool);
  ingest->add_flag("--remove", command->remove, "files that were taken are removed, not moved to done/")->needs(spool);
  ingest->add_option("--server", command->server, "whose rows these are, where neither they nor the file's name say");
  ingest->add_option("--history-days", command->history_days,
                     "older rows are not kept as history; 0: none is; default: the configuration's");
  ingest->add_flag("--strict", command->strict, "of a file with a fault, take nothing");
  ingest->add_flag("--json", command->json, "a JSON object for each file, a line each");
  add_hub_options(*ingest, command->hub);
  ingest->footer("Examples:\n  anytick score ingest 192.0.2.1.csv\n  anytick score ingest --spool spool --watch\n"
                 "The same file again changes nothing. Faults go to stderr, and then the exit code is 1.");
  ingest->callback([command] { run_ingest(*command); });
}

} // namespace anytick::control
