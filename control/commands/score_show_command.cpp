#include "control/commands/score_show_command.h"

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "control/command.h"
#include "control/commands/hub_options.h"
#include "control/commands/score_text.h"
#include "control/scores/fitting.h"
#include "control/scores/history.h"
#include "control/scores/stored_board.h"
#include "control/text.h"

namespace anytick::control {
namespace {

using nlohmann::ordered_json;
using scores::Scoreboard;

struct ShowCommand {
  HubOptions hub;
  std::string server;
  size_t history = 0;
  std::optional<int64_t> at;
  bool json = false;
};

struct ListCommand {
  HubOptions hub;
  std::optional<double> below;
  std::optional<int64_t> at;
  bool json = false;
};

std::map<uint32_t, scores::MonitorStatus> statuses_of(const Scoreboard& board, const geo::Address& server) {
  std::map<uint32_t, scores::MonitorStatus> statuses;
  for (const scores::Standing& each : board.servers().at(server)) statuses.emplace(each.monitor, board.status(each));
  return statuses;
}

std::string number_text(const std::optional<double>& value, const char* unit) {
  return value ? fmt::format("{:g} {}", *value, unit) : "-";
}

std::string line_of(const Scoreboard& board, const scores::HistoryRow& row) {
  return fmt::format("{:<20} {:<24} {:>7.3f} {:>8.3f}  {:>16} {:>12}  {}\n", date_text(static_cast<uint64_t>(row.when)),
                     fmt::format("{} {}", row.monitor, monitor_name(board, row.monitor)), row.step, row.score,
                     number_text(row.offset, "s"), number_text(row.rtt, "ms"), row.error);
}

ordered_json json_of(const scores::HistoryRow& row) {
  return {{"when", row.when},
          {"monitor", row.monitor},
          {"step", row.step},
          {"score", row.score},
          {"offset", score_json(row.offset)},
          {"rtt", score_json(row.rtt)},
          {"leap", row.leap},
          {"error", row.error}};
}

ordered_json json_of(const std::optional<scores::Crossing>& crossing) {
  if (!crossing) return {};
  return {{"when", crossing->when}, {"above", crossing->above}, {"score", crossing->score}};
}

void run_show(const ShowCommand& command) {
  const auto server = geo::parse_address(command.server);
  if (!server) throw CommandFailure(exit_usage, "score show: '" + command.server + "' is no IP address");
  const auto database = open_database(command.hub);
  scores::StoredBoard stored(*database);
  stored.refresh();
  const Scoreboard& board = stored.board();
  if (!board.servers().contains(*server))
    throw CommandFailure(exit_refused, "score show: no monitor said anything of " + geo::to_text(*server));
  const int64_t at = command.at.value_or(std::time(nullptr));
  const double bound = hub_config_or_default(command.hub).selection.leave_score;
  const auto crossing = scores::last_crossing(*database, *server, bound, statuses_of(board, *server));
  const auto rows = scores::newest_rows(*database, *server, command.history);
  if (command.json) {
    ordered_json json = standings_json(board, *server, at);
    json["crossed"] = json_of(crossing);
    json["history"] = ordered_json::array();
    for (const scores::HistoryRow& row : rows) json["history"].push_back(json_of(row));
    fmt::print("{}\n", dumped(json, 2));
    return;
  }
  fmt::print("{}{}", standings_header(), standings_text(board, *server, at));
  if (crossing)
    fmt::print("{} {:g} since {}, with {:.3f}\n", crossing->above ? "at or above" : "below", bound,
               date_text(static_cast<uint64_t>(crossing->when)), crossing->score);
  if (rows.empty()) return;
  fmt::print("\n{:<20} {:<24} {:>7} {:>8}  {:>16} {:>12}  {}\n", "TIME", "MONITOR", "STEP", "SCORE", "OFFSET", "RTT",
             "ERROR");
  for (const scores::HistoryRow& row : rows) fmt::print("{}", line_of(board, row));
}

/// When a monitor last said something of it.
int64_t latest_of(const Scoreboard::Standings& standings) {
  int64_t latest = 0;
  for (const scores::Standing& each : standings)
    if (each.checks > 0) latest = std::max(latest, each.when());
  return latest;
}

void run_list(const ListCommand& command) {
  const auto database = open_database(command.hub);
  scores::StoredBoard stored(*database);
  stored.refresh();
  const int64_t at = command.at.value_or(std::time(nullptr));
  auto json = ordered_json::array();
  if (!command.json) fmt::print("{:<39} {:>8} {:>8}  {}\n", "SERVER", "SCORE", "MONITORS", "LATEST");
  for (const auto& [server, standings] : stored.board().servers()) {
    const auto score = stored.board().overall(standings, at);
    // Without a score it is not in the pool either.
    if (command.below && score.value_or(scores::score_min) >= *command.below) continue;
    const int64_t latest = latest_of(standings);
    if (command.json)
      json.push_back({{"server", geo::to_text(server)},
                      {"score", score_json(score)},
                      {"monitors", standings.size()},
                      {"latest", latest}});
    else
      fmt::print("{:<39} {:>8} {:>8}  {}\n", geo::to_text(server), score_text(score), standings.size(),
                 date_text(static_cast<uint64_t>(latest)));
  }
  if (command.json) fmt::print("{}\n", dumped(json, 2));
}

CLI::Option* add_at(CLI::App& command, std::optional<int64_t>& at) {
  return command.add_option("--at", at, "time of overall scores, s since 1970; default: now")
      ->check(CLI::Range(int64_t{0}, scores::when_max));
}

} // namespace

void add_score_show(CLI::App& score) {
  const auto command = std::make_shared<ShowCommand>();
  CLI::App* show = score.add_subcommand("show", "Show what monitors think of a server");
  show->add_option("ADDRESS", command->server, "of the server")->required();
  show->add_option("--history", command->history, "the newest checks, so many");
  add_at(*show, command->at);
  show->add_flag("--json", command->json, "as one JSON object");
  add_hub_options(*show, command->hub);
  show->footer("Example: anytick score show 192.0.2.1 --history 20");
  show->callback([command] { run_show(*command); });
}

void add_score_list(CLI::App& score) {
  const auto command = std::make_shared<ListCommand>();
  CLI::App* list = score.add_subcommand("list", "List the overall scores of all servers");
  list->add_option("--below", command->below, "only servers with a lower score, or none");
  add_at(*list, command->at);
  list->add_flag("--json", command->json, "as one JSON array");
  add_hub_options(*list, command->hub);
  list->footer("Example: anytick score list --below 10");
  list->callback([command] { run_list(*command); });
}

} // namespace anytick::control
