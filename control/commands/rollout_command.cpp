#include "control/commands/rollout_command.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "control/command.h"
#include "control/commands/delivery_desk.h"
#include "control/commands/plan_inputs.h"
#include "control/delivery/operations.h"
#include "control/plan/plan_text.h"
#include "control/text.h"

namespace anytick::control {
namespace {

struct RolloutOptions {
  HubOptions hub;
  std::string plan;
  int64_t serial = 0;
  bool canary = false;
  std::string soak = "30s";
  std::string confirm_within;
  std::vector<std::string> pops;
  bool force = false;
  bool resume = false;
  bool revert = false;
  bool json = false;
};

int64_t seconds_option(const std::string& name, const std::string& text, int64_t least) {
  constexpr int64_t day = 86400;
  const auto duration = parse_duration(text);
  if (!duration || duration->count() < least || duration->count() > day)
    throw CommandFailure(exit_usage,
                         fmt::format("{}: '{}' is no duration of {} s to a day, like 90s or 5m", name, text, least));
  return duration->count();
}

/// Canaries wait the longest for their confirmation.
void check_wait(const delivery::Manner& manner) {
  const int64_t more = manner.confirm_within.value_or(hub::canary_grace.count());
  if (!manner.canaries_first || manner.soak + more <= hub::confirm_max.count()) return;
  throw CommandFailure(
      exit_usage, fmt::format("--soak: canaries would wait for their confirmation for {} s and {} s more, and POPs "
                              "do so for {} s at most",
                              manner.soak, more, hub::confirm_max.count()));
}

delivery::Manner manner_of(const RolloutOptions& options) {
  delivery::Manner manner{.canaries_first = options.canary, .soak = seconds_option("--soak", options.soak, 0)};
  if (!options.confirm_within.empty())
    manner.confirm_within = seconds_option("--confirm-within", options.confirm_within, 5);
  manner.pops = options.pops;
  check_wait(manner);
  return manner;
}

/// Of the plan that is told, or one that is made now; nothing where POPs are to run it already.
std::optional<delivery::PushRequest> request_of(DeliveryDesk& desk, const RolloutOptions& options) {
  const registry::Actor actor = actor_of(options.hub);
  if (options.plan.empty()) {
    delivery::CurrentPlan current = plan_now(desk);
    if (current.is_as_base) return std::nullopt;
    fmt::print(stderr, "{}\n", plan::plan_summary(current.made.plan));
    const plan::Plan plan = current.made.plan;
    return delivery::push_request(std::move(current.made), plan, current.state, actor);
  }
  const plan::PlanFile reviewed = read_plan_file(options.plan);
  const delivery::PlanFiles files(desk.config());
  delivery::Planner planner(desk.config(), files);
  const delivery::PlanState state = delivery::read_plan_state(desk.database());
  return delivery::push_request(planner.verify(state, reviewed.plan), reviewed.plan, state, actor);
}

void check_push_options(const RolloutOptions& options) {
  if (options.force && options.hub.reason.empty())
    throw CommandFailure(exit_usage, "push: --force needs --reason TEXT");
  if (options.resume && (!options.plan.empty() || options.canary || options.force || !options.confirm_within.empty()))
    throw CommandFailure(exit_usage, "push: --resume goes on with what is there; only --pop goes with it");
}

void run_push(const RolloutOptions& options) {
  check_push_options(options);
  const delivery::Manner manner = manner_of(options);
  DeliveryDesk desk(options.hub);
  if (options.resume) return print_outcome(delivery::resume(desk.desk(), options.pops), options.json);
  delivery::recover(desk.desk());
  delivery::check_none_open(desk.desk());
  auto request = request_of(desk, options);
  if (!request) {
    fmt::print(stderr, "There is nothing to push; POPs that were away get what is current by --resume.\n");
    return;
  }
  request->manner = manner;
  request->forced = options.force;
  print_outcome(delivery::push(desk.desk(), *request), options.json);
}

void run_confirm(const RolloutOptions& options) {
  DeliveryDesk desk(options.hub);
  const registry::Actor actor = actor_of(options.hub);
  print_outcome(options.revert ? delivery::revert(desk.desk(), actor) : delivery::confirm(desk.desk(), actor),
                options.json);
}

void run_rollback(const RolloutOptions& options) {
  if (options.hub.reason.empty()) throw CommandFailure(exit_usage, "rollback: needs --reason TEXT");
  const delivery::Manner manner = manner_of(options);
  DeliveryDesk desk(options.hub);
  print_outcome(delivery::rollback(desk.desk(), options.serial, actor_of(options.hub), manner), options.json);
}

void add_manner_options(CLI::App& command, RolloutOptions& options) {
  command.add_flag("--canary", options.canary, "POPs that are canaries first; the others if these keep it");
  command.add_option("--soak", options.soak, "how long canaries run it before the others get it")
      ->capture_default_str();
  command.add_option("--confirm-within", options.confirm_within,
                     "POPs go back by themselves, unless `anytick confirm` comes in this time: 90s, 5m");
  command.add_option("--pop", options.pops, "only to these POPs; the others get it by --resume");
  command.add_flag("--json", options.json, "as one JSON object");
  add_hub_options(command, options.hub);
  add_actor_options(command, options.hub);
}

} // namespace

void add_rollout_commands(CLI::App& app) {
  const auto options = std::make_shared<RolloutOptions>();
  CLI::App* push = app.add_subcommand("push", "Push a plan to all POPs, each of which says what it runs then");
  push->add_option("PLAN", options->plan, "exactly this plan, of `anytick plan -o`; default: what it would be now");
  push->add_flag("--force", options->force, "although the guard objects; needs --reason");
  push->add_flag("--resume", options->resume, "go on where a push was cut short, and reach POPs that were away");
  add_manner_options(*push, *options);
  push->footer("Examples: anytick plan -o plan.json && anytick push plan.json\n"
               "          anytick push --canary --soak 2m --confirm-within 10m\n"
               "          anytick push --force --reason 'the monitors are right'\n"
               "          anytick push --resume\n"
               "Exit codes: 4 the guard objects, nothing was sent; 5 some POPs do not run it (yet).");
  push->callback([options] { as_command([&] { run_push(*options); }); });

  CLI::App* confirm = app.add_subcommand("confirm", "Let a push stay that waits for it (push --confirm-within)");
  confirm->add_flag("--revert", options->revert, "take it back at once instead");
  confirm->add_flag("--json", options->json, "as one JSON object");
  add_hub_options(*confirm, options->hub);
  add_actor_options(*confirm, options->hub);
  confirm->footer("Examples: anytick confirm\n"
                  "          anytick confirm --revert --reason 'answers are wrong'\n"
                  "Exit codes: 1 there is none, or its time was over; 5 some POPs do not run it (yet).");
  confirm->callback([options] { as_command([&] { run_confirm(*options); }); });

  CLI::App* rollback =
      app.add_subcommand("rollback", "Push a former revision once more, and hold the hub's own pushes");
  rollback->add_option("SERIAL", options->serial, "of `anytick history`")->required();
  add_manner_options(*rollback, *options);
  rollback->footer("Example: anytick rollback 1800000000 --reason 'addresses of de were wrong'\n"
                   "The hub pushes nothing by itself until the next `anytick push`, or `anytick hub resume`.\n"
                   "Exit code: 5 some POPs do not run it (yet).");
  rollback->callback([options] { as_command([&] { run_rollback(*options); }); });
}

} // namespace anytick::control
