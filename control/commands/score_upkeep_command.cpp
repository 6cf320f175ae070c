#include "control/commands/score_upkeep_command.h"

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
#include "control/hub/config.h"
#include "control/scores/prune.h"
#include "control/scores/stored_board.h"
#include "control/text.h"

namespace anytick::control {
namespace {

using nlohmann::ordered_json;
using scores::MonitorStatus;
using scores::Scoreboard;

struct PruneCommand {
  HubOptions hub;
  std::optional<uint32_t> history_days, full_history_days;
  bool json = false;
};

void run_prune(const PruneCommand& command) {
  const auto database = open_database(command.hub);
  const hub::ScoresConfig config = hub_config_or_default(command.hub).scores;
  const scores::Pruned pruned =
      scores::prune(*database, scores::retention_of(command.history_days.value_or(config.history_days),
                                                    command.full_history_days.value_or(config.full_history_days),
                                                    std::time(nullptr)));
  if (command.json)
    fmt::print("{}\n", dumped({{"removed", pruned.removed}, {"thinned", pruned.thinned}}, -1));
  else
    fmt::print("removed {} hours of servers, thinned {}\n", pruned.removed, pruned.thinned);
}

struct MonitorCommand {
  HubOptions hub;
  uint32_t monitor = 0;
  std::string status;
  bool json = false;
};

/// What is known of a monitor.
struct MonitorSummary {
  MonitorStatus at_most = MonitorStatus::active;
  size_t servers = 0;
  int64_t latest = 0;
};

std::map<uint32_t, MonitorSummary> monitors_of(const Scoreboard& board) {
  std::map<uint32_t, MonitorSummary> monitors;
  for (const auto& [monitor, name] : board.monitor_names()) monitors[monitor];
  for (const auto& [server, standings] : board.servers()) {
    for (const scores::Standing& each : standings) {
      if (each.checks == 0) continue;
      MonitorSummary& monitor = monitors[each.monitor];
      ++monitor.servers;
      monitor.latest = std::max(monitor.latest, each.when());
    }
  }
  for (const auto& [monitor, at_most] : board.limits()) monitors[monitor].at_most = at_most;
  return monitors;
}

void run_monitor_list(const MonitorCommand& command) {
  const auto database = open_database(command.hub);
  scores::StoredBoard stored(*database);
  stored.refresh();
  auto json = ordered_json::array();
  if (!command.json) fmt::print("{:>10} {:<24} {:<9} {:>8}  {}\n", "ID", "NAME", "AT MOST", "SERVERS", "LATEST");
  for (const auto& [id, monitor] : monitors_of(stored.board())) {
    const std::string name = monitor_name(stored.board(), id);
    if (command.json)
      json.push_back({{"id", id},
                      {"name", name},
                      {"at_most", scores::status_name(monitor.at_most)},
                      {"servers", monitor.servers},
                      {"latest", monitor.latest}});
    else
      fmt::print("{:>10} {:<24} {:<9} {:>8}  {}\n", id, name, scores::status_name(monitor.at_most), monitor.servers,
                 date_text(static_cast<uint64_t>(monitor.latest)));
  }
  if (command.json) fmt::print("{}\n", dumped(json, 2));
}

void run_monitor_set(const MonitorCommand& command) {
  const auto status = scores::status_named(command.status);
  if (!status)
    throw CommandFailure(exit_usage,
                         "score monitor set: '" + command.status + "' is not active, testing, candidate or inactive");
  const auto database = open_database(command.hub);
  scores::StoredBoard stored(*database);
  if (!stored.limit(command.monitor, *status))
    throw CommandFailure(exit_refused, fmt::format("score monitor set: there is no monitor {}", command.monitor));
  fmt::print("monitor {} is {} at most\n", command.monitor, scores::status_name(*status));
}

} // namespace

void add_score_prune(CLI::App& score) {
  const auto command = std::make_shared<PruneCommand>();
  CLI::App* prune = score.add_subcommand("prune", "Remove and thin old history; scores stay");
  prune->add_option("--history-days", command->history_days, "older rows go; 0: all do; default: the configuration's");
  prune->add_option("--full-history-days", command->full_history_days,
                    "of older rows one an hour, server and monitor stays; default: the configuration's");
  prune->add_flag("--json", command->json, "as one JSON object");
  add_hub_options(*prune, command->hub);
  prune->footer("Example: anytick score prune --history-days 60\nBeside others that work on the database: it waits.");
  prune->callback([command] { run_prune(*command); });
}

void add_score_monitor(CLI::App& score) {
  CLI::App* monitor = score.add_subcommand("monitor", "Monitors, and how far they are trusted");
  monitor->require_subcommand(1);
  const auto listed = std::make_shared<MonitorCommand>();
  CLI::App* list = monitor->add_subcommand("list", "List the monitors that said something");
  list->add_flag("--json", listed->json, "as one JSON array");
  add_hub_options(*list, listed->hub);
  list->callback([listed] { run_monitor_list(*listed); });

  const auto changed = std::make_shared<MonitorCommand>();
  CLI::App* set = monitor->add_subcommand("set", "Trust a monitor no more than that, whatever feeds say");
  set->add_option("MONITOR", changed->monitor, "its number")->required();
  set->add_option("STATUS", changed->status, "active (as feeds say), testing, candidate or inactive")->required();
  add_hub_options(*set, changed->hub);
  set->footer("Example: anytick score monitor set 12 inactive");
  set->callback([changed] { run_monitor_set(*changed); });
}

} // namespace anytick::control
