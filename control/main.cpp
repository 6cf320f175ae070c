#include <malloc.h>

#include <exception>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "control/command.h"
#include "control/commands/account_command.h"
#include "control/commands/audit_command.h"
#include "control/commands/explain_command.h"
#include "control/commands/geo_command.h"
#include "control/commands/help_command.h"
#include "control/commands/history_command.h"
#include "control/commands/hub_command.h"
#include "control/commands/init_command.h"
#include "control/commands/key_command.h"
#include "control/commands/plan_command.h"
#include "control/commands/policy_command.h"
#include "control/commands/pop_command.h"
#include "control/commands/rollout_command.h"
#include "control/commands/root_command.h"
#include "control/commands/score_command.h"
#include "control/commands/secret_command.h"
#include "control/commands/server_command.h"
#include "control/commands/transfer_command.h"
#include "control/commands/tree_command.h"
#include "control/commands/vendor_command.h"
#include "control/commands/zone_command.h"

namespace {

using namespace anytick::control;

int run(int argc, char** argv) {
  CLI::App app("The operator's side of an anytick time pool: compile its tables, push them to POPs, see what runs.",
               "anytick");
  app.set_version_flag("--version", ANYTICK_VERSION);
  app.footer(
      "Exit codes: 0 done; 1 refused, or faults found; 2 usage; 3 the POP is not reachable; 4 the guard objects;\n"
      "5 some POPs do not run what they are to; 6 there are changes (plan --exit-code).");
  app.require_subcommand(1);
  add_init_command(app);
  add_zone_command(app);
  add_explain_command(app);
  add_geo_command(app);
  add_pop_command(app);
  add_policy_command(app);
  add_key_command(app);
  add_score_command(app);
  add_secret_command(app);
  add_account_command(app);
  add_server_command(app);
  add_tree_command(app);
  add_vendor_command(app);
  add_root_command(app);
  add_audit_command(app);
  add_plan_command(app);
  add_rollout_commands(app);
  add_hub_command(app);
  add_history_command(app);
  add_transfer_command(app);
  add_help_commands(app, ANYTICK_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? exit_done : exit_usage;
  }
  return exit_done;
}

} // namespace

int main(int argc, char** argv) {
  // SQLite takes 64 KiB for many a statement and frees them behind it. To have the kernel take them back each time
  // would be five sixths of what a large import costs.
  ::mallopt(M_TRIM_THRESHOLD, 16 << 20);
  try {
    return run(argc, argv);
  } catch (const CommandFailure& failure) {
    fmt::print(stderr, "anytick: {}\n", failure.what());
    return failure.exit_code;
  } catch (const std::exception& error) {
    fmt::print(stderr, "anytick: {}\n", error.what());
    return exit_refused;
  }
}
