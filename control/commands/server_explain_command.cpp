#include "control/commands/server_explain_command.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "control/command.h"
#include "control/commands/delivery_desk.h"
#include "control/commands/plan_inputs.h"
#include "control/plan/explain_server.h"
#include "control/scores/history.h"
#include "control/scores/stored_board.h"

namespace anytick::control {
namespace {

struct ExplainOptions {
  HubOptions hub;
  std::string server;
  size_t history = 20;
  size_t places = 10;
  bool pushed = false;
  bool json = false;
};

plan::ServerHistory history_of(const scores::Scoreboard& board, const geo::Address& server,
                               const std::vector<scores::HistoryRow>& kept) {
  plan::ServerHistory history{.standings = {}, .monitor_names = board.monitor_names(), .rows = {}};
  if (const auto found = board.servers().find(server); found != board.servers().end()) {
    history.standings = found->second;
    for (scores::Standing& standing : history.standings) standing.status = board.status(standing);
  }
  for (const scores::HistoryRow& row : kept) history.rows.push_back(scores::row_of(server, row));
  std::ranges::reverse(history.rows);
  return history;
}

void run_explain(const ExplainOptions& options) {
  const auto server = geo::parse_address(options.server);
  if (!server) throw CommandFailure(exit_usage, "server explain: '" + options.server + "' is no IP address");
  DeliveryDesk desk(options.hub);
  const int64_t now = desk.desk().clock();
  scores::StoredBoard board(desk.database());
  board.refresh();
  const auto kept = scores::newest_rows(desk.database(), *server, options.history);

  const delivery::PlanFiles files(desk.config());
  delivery::Planner planner(desk.config(), files);
  const delivery::CurrentPlan current = planner.make(desk.database(), board.overall(now), 0, now);
  if (options.pushed && !current.state.base)
    throw CommandFailure(exit_refused, "server explain --pushed: nothing was pushed yet");
  const selection::Selection& selection = options.pushed ? current.state.base->selection : current.made.plan.selection;
  const auto explained = plan::explain_server(*server, planner.sources(current.state), selection,
                                              history_of(board.board(), *server, kept), now);
  if (!explained) throw CommandFailure(exit_refused, "server explain: the registry has no " + geo::to_text(*server));
  fmt::print("{}", options.json ? plan::server_json(*explained)
                                : plan::server_text(*explained, now, options.places, options.history));
}

} // namespace

void add_server_explain(CLI::App& server) {
  const auto options = std::make_shared<ExplainOptions>();
  CLI::App* explain =
      server.add_subcommand("explain", "Tell which rule keeps a server in or out, its names, weights and share");
  explain->add_option("ADDRESS", options->server, "of the server")->required();
  explain->add_flag("--pushed", options->pushed, "as of what POPs are to run, not of what a plan would make now");
  explain->add_option("--history", options->history, "the newest checks, so many")->capture_default_str();
  explain->add_option("--places", options->places, "the countries that get most of it, so many")->capture_default_str();
  explain->add_flag("--json", options->json, "as one JSON object");
  add_hub_options(*explain, options->hub);
  explain->footer("Examples: anytick server explain 198.51.100.7\n"
                  "          anytick server explain 198.51.100.7 --pushed --json");
  explain->callback([options] { as_command([&] { run_explain(*options); }); });
}

} // namespace anytick::control
