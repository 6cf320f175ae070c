#include "control/score_command.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "control/command.h"
#include "control/scores/fitting.h"
#include "control/scores/ingest.h"
#include "control/scores/step.h"
#include "control/text.h"

namespace anytick::control {
namespace {

using nlohmann::ordered_json;
using scores::Scoreboard;
using scores::Standing;

struct ReplayOptions {
  std::vector<std::string> files;
  std::string server;
  std::optional<int64_t> at;
  bool strict = false;
  bool json = false;
};

constexpr std::array<const char*, scores::taken_count> taken_names{"counted", "again", "conflicting", "history",
                                                                   "too_late"};

constexpr std::array<const char*, scores::taken_count> taken_words{
    "counted", "again", "of a second that has another", "for history only", "too late for their place in the score"};

int64_t newest_of(const Scoreboard& board) {
  int64_t newest = 0;
  for (const auto& [server, standings] : board.servers())
    for (const Standing& each : standings)
      if (each.checks > 0) newest = std::max(newest, each.when());
  return newest;
}

std::string name_of(const Scoreboard& board, uint32_t monitor) {
  const auto found = board.monitor_names().find(monitor);
  return found == board.monitor_names().end() ? "" : found->second;
}

void print_row(const std::string& server, const std::string& who, std::string_view status, const std::string& score,
               const std::string& checks, const std::string& latest) {
  fmt::print("{:<39} {:<24} {:<9} {:>8} {:>8}  {}\n", server, who, status, score, checks, latest);
}

void print_text(const Scoreboard& board, int64_t at) {
  print_row("SERVER", "MONITOR", "STATUS", "SCORE", "CHECKS", "LATEST");
  for (const auto& [address, standings] : board.servers()) {
    const std::string server = geo::to_text(address);
    const auto overall = scores::overall_of(standings, at);
    print_row(server, "overall", "-", overall ? fmt::format("{:.3f}", *overall) : "-", "-",
              date_text(static_cast<uint64_t>(at)));
    for (const Standing& each : standings)
      if (each.checks > 0)
        print_row(server, fmt::format("{} {}", each.monitor, name_of(board, each.monitor)),
                  scores::status_name(each.status), fmt::format("{:.3f}", each.score), std::to_string(each.checks),
                  date_text(static_cast<uint64_t>(each.when())));
  }
}

/// "2 files: 40 rows counted, 3 again": what there was none of is left out.
std::string summary(const std::vector<scores::Ingested>& files) {
  uint64_t skipped = 0;
  std::array<uint64_t, scores::taken_count> taken{};
  for (const scores::Ingested& file : files) {
    skipped += file.read.skipped;
    for (size_t kind = 0; kind < taken.size(); ++kind) taken[kind] += file.taken[kind];
  }
  std::string text = fmt::format("{} file{}: {} rows counted", files.size(), files.size() == 1 ? "" : "s", taken[0]);
  for (size_t kind = 1; kind < taken.size(); ++kind)
    if (taken[kind] > 0) text += fmt::format(", {} {}", taken[kind], taken_words[kind]);
  if (skipped > 0) text += fmt::format(", {} overall scores of others skipped", skipped);
  return text;
}

ordered_json json_of(const Scoreboard& board, const Standing& standing) {
  return {{"id", standing.monitor},
          {"name", name_of(board, standing.monitor)},
          {"status", scores::status_name(standing.status)},
          {"score", standing.score},
          {"checks", standing.checks},
          {"latest", standing.when()}};
}

ordered_json json_of(const Scoreboard& board, int64_t at) {
  auto servers = ordered_json::array();
  for (const auto& [address, standings] : board.servers()) {
    auto monitors = ordered_json::array();
    for (const Standing& each : standings)
      if (each.checks > 0) monitors.push_back(json_of(board, each));
    const auto overall = scores::overall_of(standings, at);
    servers.push_back({{"server", geo::to_text(address)},
                       {"score", overall ? ordered_json(*overall) : ordered_json()},
                       {"monitors", monitors}});
  }
  return servers;
}

ordered_json json_of(const std::vector<scores::Ingested>& files, const std::vector<std::string>& names) {
  auto all = ordered_json::array();
  for (size_t i = 0; i < files.size(); ++i) {
    ordered_json file{{"file", names[i]}};
    for (size_t kind = 0; kind < taken_names.size(); ++kind) file[taken_names[kind]] = files[i].taken[kind];
    file["skipped"] = files[i].read.skipped;
    file["faults"] = files[i].faults.count();
    file["refusal"] = files[i].refusal ? ordered_json(files[i].refusal->text()) : ordered_json();
    all.push_back(std::move(file));
  }
  return all;
}

scores::IngestOptions ingest_options(const ReplayOptions& options) {
  scores::IngestOptions ingest{.strict = options.strict};
  if (options.server.empty()) return ingest;
  ingest.read.server = geo::parse_address(options.server);
  if (!ingest.read.server) throw CommandFailure(exit_usage, "score replay: '" + options.server + "' is no IP address");
  return ingest;
}

void run_replay(const ReplayOptions& options) {
  const scores::IngestOptions ingest = ingest_options(options);
  Scoreboard board;
  std::vector<scores::Ingested> files;
  size_t unclean = 0;
  for (const std::string& file : options.files) {
    files.push_back(scores::ingest(file, ingest, board, {}));
    fmt::print(stderr, "{}", files.back().why());
    unclean += !files.back().clean();
  }
  const int64_t at = options.at.value_or(newest_of(board));
  if (options.json) {
    const ordered_json all{{"at", at}, {"servers", json_of(board, at)}, {"files", json_of(files, options.files)}};
    fmt::print("{}\n", all.dump(2, ' ', false, ordered_json::error_handler_t::replace));
  } else {
    print_text(board, at);
    fmt::print("{}\n", summary(files));
  }
  if (unclean > 0)
    throw CommandFailure(exit_refused,
                         fmt::format("faults in {} of {} file{}", unclean, files.size(), files.size() == 1 ? "" : "s"));
}

struct StepOptions {
  bool no_response = false;
  std::optional<unsigned> stratum;
  std::string kiss;
  std::optional<double> offset;
  std::string error;
  double score = 0;
};

void run_step(const StepOptions& options) {
  const scores::Step step = scores::step_of({.responded = !options.no_response,
                                             .stratum = options.stratum,
                                             .kiss = options.kiss,
                                             .offset = options.offset,
                                             .error = options.error});
  fmt::print("step {:g}", step.step);
  if (step.cap != scores::no_cap) fmt::print(", cap {:g}", step.cap);
  fmt::print(": score {:g} -> {:g}\n", options.score, scores::next_score(options.score, step));
}

void add_replay(CLI::App& score) {
  const auto options = std::make_shared<ReplayOptions>();
  CLI::App* replay = score.add_subcommand("replay", "Make scores of logs: per server and monitor, and overall");
  replay
      ->add_option("FILE", options->files,
                   "pool logs (.csv), pool histories (.json) or observations (.jsonl), the oldest first")
      ->required();
  replay->add_option("--server", options->server, "whose rows these are, where neither they nor the file's name say");
  replay->add_option("--at", options->at, "time of the overall score, s since 1970; default: the newest row's")
      ->check(CLI::Range(int64_t{0}, scores::when_max));
  replay->add_flag("--strict", options->strict, "of a file with a fault, take nothing");
  replay->add_flag("--json", options->json, "as one JSON object");
  replay->footer("Example: anytick score replay 192.0.2.1.csv\nFaults go to stderr, and then the exit code is 1.");
  replay->callback([options] { run_replay(*options); });
}

void add_step(CLI::App& score) {
  const auto options = std::make_shared<StepOptions>();
  CLI::App* step = score.add_subcommand("step", "Say what one check does to a score");
  step->add_flag("--no-response", options->no_response, "the server did not answer");
  step->add_option("--stratum", options->stratum, "of the reply")->check(CLI::Range(0, 255));
  step->add_option("--kiss", options->kiss, "code of a stratum 0 reply, e.g. RATE");
  step->add_option("--offset", options->offset, "s")->check(CLI::Range(-scores::offset_max, scores::offset_max));
  step->add_option("--error", options->error, "what else was wrong with the reply");
  step->add_option("--score", options->score, "before the check; default: 0")
      ->check(CLI::Range(scores::score_min, scores::score_max));
  step->footer("Example: anytick score step --stratum 2 --offset 0.12 --score 19.5");
  step->callback([options] { run_step(*options); });
}

} // namespace

void add_score_command(CLI::App& app) {
  CLI::App* score = app.add_subcommand("score", "Scores of servers, as monitors see them");
  score->require_subcommand(1);
  add_replay(*score);
  add_step(*score);
}

} // namespace anytick::control
