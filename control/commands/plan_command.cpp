#include "control/commands/plan_command.h"

#include <memory>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "control/command.h"
#include "control/commands/delivery_desk.h"
#include "control/commands/plan_inputs.h"
#include "control/plan/plan_json.h"
#include "control/plan/plan_text.h"

namespace anytick::control {
namespace {

struct PlanOptions {
  HubOptions hub;
  std::string output;
  std::string image;
  size_t top = plan::TextOptions{}.top;
  bool all = false;
  bool json = false;
  bool exit_code = false;
};

plan::TextOptions text_options(const PlanOptions& options, const registry::Snapshot& snapshot) {
  plan::TextOptions text{.top = options.all ? 0 : options.top};
  for (const registry::Account& account : snapshot.accounts) text.accounts[account.id] = account.name;
  return text;
}

void tell_exit_code(const delivery::CurrentPlan& current) {
  const size_t objections = current.made.plan.objections.size();
  if (objections > 0) throw CommandFailure(exit_guarded, fmt::format("the guard has {} objections", objections));
  if (!current.is_as_base) throw CommandFailure(exit_changes, "the plan changes what POPs answer");
}

void run_plan(const PlanOptions& options) {
  DeliveryDesk desk(options.hub);
  const delivery::CurrentPlan current = plan_now(desk);
  const std::string json = plan::plan_json(current.made.plan);
  if (!options.output.empty()) write_file_atomically(options.output, std::as_bytes(std::span(json)));
  if (!options.image.empty()) write_file_atomically(options.image, current.made.image);
  if (options.json)
    fmt::print("{}", json);
  else
    fmt::print("{}", plan::plan_text(current.made.plan, text_options(options, current.state.snapshot)));
  if (current.is_as_base && !options.json)
    fmt::print("There is nothing to push: POPs answer so with serial {}.\n", current.state.base->serial);
  if (options.exit_code) tell_exit_code(current);
}

} // namespace

void add_plan_command(CLI::App& app) {
  const auto options = std::make_shared<PlanOptions>();
  CLI::App* plan = app.add_subcommand("plan", "Show what a push would change: servers, zones, shares of traffic");
  plan->add_option("-o,--output", options->output, "write the plan there, for `anytick push FILE`");
  plan->add_option("--image", options->image, "write the zone image that it makes there, for `anytick zone`");
  plan->add_option("--top", options->top, "rows of each table, the most important first")->capture_default_str();
  plan->add_flag("--all", options->all, "all rows");
  plan->add_flag("--json", options->json, "print what -o writes");
  plan->add_flag("--exit-code", options->exit_code,
                 "exit with 4 if the guard objects to it, else with 6 if it changes anything");
  add_hub_options(*plan, options->hub);
  plan->footer("Examples: anytick plan\n"
               "          anytick plan -o plan.json && anytick push plan.json\n"
               "          anytick plan --all --json");
  plan->callback([options] { as_command([&] { run_plan(*options); }); });
}

} // namespace anytick::control
