#include "control/commands/server_command.h"

#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "control/commands/server_explain_command.h"
#include "control/commands/server_options.h"
#include "control/registry/names.h"

namespace anytick::control {
namespace {

using Shared = std::shared_ptr<ServerOptions>;

CLI::App* add(CLI::App& parent, const char* name, const char* what, const Shared& options, const char* example,
              void (*run)(const ServerOptions&)) {
  CLI::App* command = parent.add_subcommand(name, what);
  command->footer(std::string("Example: anytick server ") + example);
  add_hub_options(*command, options->hub);
  command->callback([options, run] { run(*options); });
  return command;
}

CLI::Option* add_addresses(CLI::App& command, ServerOptions& options) {
  return command.add_option("ADDRESS", options.addresses, "IPv4 or IPv6 addresses; all are changed, or none");
}

/// One that changes servers that it names.
CLI::App* add_change(CLI::App& parent, const char* name, const char* what, const Shared& options, const char* example,
                     void (*run)(const ServerOptions&)) {
  CLI::App* command = add(parent, name, what, options, example, run);
  add_addresses(*command, *options)->required();
  add_actor_options(*command, options->hub);
  return command;
}

/// One value for each time that it is written, so that what follows is not taken for more.
CLI::Option* add_words(CLI::App& command, const char* name, std::vector<std::string>& words, const char* what) {
  return command.add_option(name, words, what)->allow_extra_args(false);
}

void add_properties(CLI::App& command, ServerOptions& options) {
  command.add_option("--netspeed", options.netspeed, "kbit/s: " + registry::netspeed_choices());
  add_words(command, "--zone", options.zones,
            "a zone that it is in, and so in all above it; may stand several times; of `set`: instead of all others");
  add_words(command, "--zone-netspeed", options.zone_netspeed,
            "ZONE=KBIT: another netspeed there; ZONE= takes it away; may stand several times");
  command.add_option("--note", options.note, "for people");
}

void add_making(CLI::App& server, const Shared& options) {
  CLI::App* fresh = add_change(server, "add", "Add servers; each gets a token that shows whose it is", options,
                               "add 198.51.100.7 --account 'Alice Ltd' --zone de --netspeed 50000", run_server_add);
  fresh->add_option("--account", options->account, "whose they are")->required();
  add_properties(*fresh, *options);
  fresh->add_flag("--unusual", options->unusual, "take private addresses, and those of documentation, too");
  fresh->add_flag("--verified", options->verified, "by your word, with a --reason; there is no token then");
  fresh->add_flag("--json", options->json, "a JSON object for each");
  fresh->get_option("--zone")->required();

  CLI::App* set = add_change(server, "set", "Change netspeed, zones, notes", options,
                             "set 198.51.100.7 --add-zone fr --zone-netspeed fr=3000", run_server_set);
  add_properties(*set, *options);
  add_words(*set, "--add-zone", options->more_zones, "a zone more");
  add_words(*set, "--drop-zone", options->fewer_zones, "a zone less");
}

void add_showing(CLI::App& server, const Shared& options) {
  CLI::App* list =
      add(server, "list", "List servers by address", options, "list --zone europe --state active", run_server_list);
  list->add_option("--account", options->account, "those of an account");
  list->add_option("--zone", options->zone, "those in a zone, or in one below it");
  list->add_option("--state", options->state, "unverified, active or removed")
      ->check(CLI::IsMember({"unverified", "active", "removed"}));
  list->add_flag("--removed", options->removed, "those that are removed, too");
  list->add_flag("--json", options->json, "as a JSON array");

  CLI::App* show = add(server, "show", "Show a server", options, "show 198.51.100.7 --json", run_server_show);
  add_addresses(*show, *options)->required()->expected(1);
  show->add_flag("--removed", options->removed, "those of this address that are removed, too");
  show->add_flag("--json", options->json, "as a JSON object");
}

void add_leaving(CLI::App& server, const Shared& options) {
  CLI::App* deletion = add_change(server, "schedule-deletion", "Let servers leave the pool slowly, and then for good",
                                  options, "schedule-deletion 198.51.100.7 --at 30d", run_server_deletion);
  deletion->add_option("--at", options->when, "a time, or how long from now")->required();
  add_change(server, "keep", "Take a scheduled deletion back", options, "keep 198.51.100.7", run_server_keep);

  CLI::App* remove = add(server, "remove", "Remove servers at once", options,
                         "remove 198.51.100.7 --reason 'switched off'", run_server_remove);
  add_addresses(*remove, *options);
  remove->add_flag("--due", options->due, "all whose time of deletion has come");
  add_actor_options(*remove, options->hub);
}

} // namespace

void add_server_command(CLI::App& app) {
  const auto options = std::make_shared<ServerOptions>();
  CLI::App* server = app.add_subcommand("server", "Servers of the pool");
  server->require_subcommand(1);
  add_making(*server, options);
  add_showing(*server, options);
  add_server_explain(*server);
  CLI::App* verify = add_change(*server, "verify", "Say that the account controls the address", options,
                                "verify 198.51.100.7 --reason 'known for years'", run_server_verify);
  verify->add_flag("--renew", options->renew, "no: make another token, and let the server show it");
  add_leaving(*server, options);
  CLI::App* move = add_change(*server, "move", "Give servers to another account", options,
                              "move 198.51.100.7 198.51.100.8 --account 'Bob Inc'", run_server_move);
  move->add_option("--account", options->account, "whose they are from now on")->required();
}

} // namespace anytick::control
