#include "control/commands/pop_registry_command.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "control/commands/hub_options.h"
#include "control/commands/listing.h"
#include "control/registry/json.h"
#include "control/registry/pops.h"

namespace anytick::control {
namespace {

using nlohmann::ordered_json;
using registry::Actor;
using registry::Pop;

struct PopEntryOptions {
  HubOptions hub;
  std::string name;
  std::optional<std::string> target, tls_name;
  std::optional<bool> canary, enabled;
  bool json = false;
};

void run_add(const PopEntryOptions& options) {
  print_change(options.hub, [&](soci::session& sql, const Actor& actor) {
    const Pop pop = registry::add_pop(sql, actor,
                                      {.name = options.name,
                                       .target = options.target.value_or(""),
                                       .tls_name = options.tls_name.value_or(""),
                                       .canary = options.canary.value_or(false),
                                       .enabled = options.enabled.value_or(true)});
    return fmt::format("POP '{}': added\n", pop.name);
  });
}

void run_set(const PopEntryOptions& options) {
  print_change(options.hub, [&](soci::session& sql, const Actor& actor) {
    ChangeWatch watch(sql);
    const Pop pop = registry::change_pop(
        sql, actor, options.name,
        {.target = options.target, .tls_name = options.tls_name, .canary = options.canary, .enabled = options.enabled});
    return watch.line("POP '" + pop.name + "'", "changed");
  });
}

void run_list(const PopEntryOptions& options) {
  std::vector<Pop> pops;
  read_registry(options.hub, [&](soci::session& sql) { pops = registry::list_pops(sql); });
  auto array = ordered_json::array();
  TextTable table({{"POP"}, {"TARGET"}, {"CERTIFICATE"}, {"CANARY"}, {"ENABLED"}});
  for (const Pop& pop : pops) {
    array.push_back(registry::json_of(pop));
    table.add({pop.name, pop.target, pop.tls_name, pop.canary ? "canary" : "", pop.enabled ? "enabled" : "disabled"});
  }
  fmt::print("{}", options.json ? list_json(array) : table.text());
}

void run_remove(const PopEntryOptions& options) {
  print_change(options.hub, [&](soci::session& sql, const Actor& actor) {
    registry::remove_pop(sql, actor, options.name);
    return fmt::format("POP '{}': removed\n", options.name);
  });
}

} // namespace

void add_pop_registry_commands(CLI::App& parent) {
  const auto options = std::make_shared<PopEntryOptions>();
  const auto add = [&](const char* name, const char* what, const char* example, void (*run)(const PopEntryOptions&)) {
    CLI::App* command = parent.add_subcommand(name, what);
    command->footer(std::string("Example: anytick pop ") + example);
    add_hub_options(*command, options->hub);
    command->callback([options, run] { run(*options); });
    return command;
  };
  const auto add_values = [&](CLI::App& command) {
    command.add_option("--tls-name", options->tls_name, "that its certificate must have; default: the target's host");
    command.add_flag_function(
        "--canary,!--no-canary", [options](int64_t given) { options->canary = given > 0; },
        "gets a push before the others, where that is asked for");
    command.add_flag_function(
        "--enable,!--disable", [options](int64_t given) { options->enabled = given > 0; }, "gets pushes, or none");
    add_actor_options(command, options->hub);
  };
  constexpr const char* target_help = "unix:/PATH, or HOST:PORT";

  CLI::App* fresh = add("add", "Register a POP", "add fra-1 198.51.100.7:8953 --tls-name fra-1.pops.example", run_add);
  fresh->add_option("NAME", options->name, "a label")->required();
  fresh->add_option("TARGET", options->target, target_help)->required();
  add_values(*fresh);
  CLI::App* list = add("list", "List registered POPs", "list --json", run_list);
  list->add_flag("--json", options->json, "as a JSON array");
  CLI::App* set =
      add("set", "Change a registered POP", "set fra-1 --disable --reason 'moves to another hall'", run_set);
  set->add_option("NAME", options->name, "its name")->required();
  set->add_option("--target", options->target, target_help);
  add_values(*set);
  CLI::App* remove = add("remove", "Remove a POP from the registry", "remove fra-1", run_remove);
  remove->add_option("NAME", options->name, "its name")->required();
  add_actor_options(*remove, options->hub);
}

} // namespace anytick::control
