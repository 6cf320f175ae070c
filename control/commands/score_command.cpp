#include "control/commands/score_command.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "control/command.h"
#include "control/commands/score_ingest_command.h"
#include "control/commands/score_show_command.h"
#include "control/commands/score_text.h"
#include "control/commands/score_upkeep_command.h"
#include "control/scores/fitting.h"
#include "control/scores/ingest.h"
#include "control/scores/step.h"

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

int64_t newest_of(const Scoreboard& board) {
  int64_t newest = 0;
  for (const auto& [server, standings] : board.servers())
    for (const Standing& each : standings)
      if (each.checks > 0) newest = std::max(newest, each.when());
  return newest;
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
  IngestTotals totals;
  auto files = ordered_json::array();
  for (const std::string& file : options.files) {
    const scores::Ingested told = scores::ingest(file, ingest, board);
    fmt::print(stderr, "{}", told.why());
    totals.add(told);
    files.push_back(json_of(told, file));
  }
  const int64_t at = options.at.value_or(newest_of(board));
  auto servers = ordered_json::array();
  if (!options.json) fmt::print("{}", standings_header());
  for (const auto& [server, standings] : board.servers()) {
    if (options.json)
      servers.push_back(standings_json(board, server, at));
    else
      fmt::print("{}", standings_text(board, server, at));
  }
  if (options.json)
    fmt::print("{}\n", dumped({{"at", at}, {"servers", servers}, {"files", files}}, 2));
  else
    fmt::print("{}\n", totals.text());
  totals.check();
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
  add_score_ingest(*score);
  add_score_show(*score);
  add_score_list(*score);
  add_score_prune(*score);
  add_score_monitor(*score);
  add_replay(*score);
  add_step(*score);
}

} // namespace anytick::control
