#include "control/commands/tree_command.h"

#include <map>
#include <memory>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "control/command.h"
#include "control/commands/hub_options.h"
#include "control/commands/listing.h"
#include "control/registry/json.h"
#include "control/registry/servers.h"
#include "control/registry/tree.h"

namespace anytick::control {
namespace {

using nlohmann::ordered_json;
using registry::Actor;
using registry::TreeZone;

struct TreeOptions {
  HubOptions hub;
  std::string name;
  std::optional<std::string> parent, description;
  bool world = false;
  bool json = false;
};

/// In each zone, those below it too.
std::map<std::string, size_t> servers_in(soci::session& sql, const std::vector<TreeZone>& tree) {
  std::map<std::string, std::set<std::string>> above;
  for (const TreeZone& zone : tree) above[zone.name] = registry::with_those_above(tree, {zone.name});
  std::map<std::string, size_t> counts;
  for (const registry::Server& server : registry::list_servers(sql, {})) {
    std::set<std::string> zones;
    for (const std::string& zone : server.zones) zones.insert(above[zone].begin(), above[zone].end());
    for (const std::string& zone : zones) ++counts[zone];
  }
  return counts;
}

void run_list(const TreeOptions& options) {
  std::vector<TreeZone> tree;
  std::map<std::string, size_t> servers;
  read_registry(options.hub, [&](soci::session& sql) {
    tree = registry::list_tree(sql);
    servers = servers_in(sql, tree);
  });
  auto array = ordered_json::array();
  TextTable table({{"ZONE"}, {"PARENT"}, {"SERVERS", TextTable::Side::right}, {"DESCRIPTION"}});
  for (const TreeZone& zone : tree) {
    array.push_back(registry::json_of(zone));
    array.back()["servers"] = servers[zone.name];
    table.add({zone.name, zone.parent, std::to_string(servers[zone.name]), zone.description});
  }
  fmt::print("{}", options.json ? list_json(array) : table.text());
}

void run_add(const TreeOptions& options) {
  if (options.world == !options.name.empty()) throw CommandFailure(exit_usage, "tree add: give a zone, or --default");
  print_change(options.hub, [&](soci::session& sql, const Actor& actor) {
    if (options.world) return fmt::format("tree: {} zones added\n", registry::add_default_tree(sql, actor));
    registry::add_tree_zone(sql, actor, {options.name, options.parent.value_or(""), options.description.value_or("")});
    return fmt::format("zone '{}': added\n", registry::tree_name(options.name));
  });
}

void run_set(const TreeOptions& options) {
  print_change(options.hub, [&](soci::session& sql, const Actor& actor) {
    ChangeWatch watch(sql);
    registry::change_tree_zone(sql, actor, options.name,
                               {.parent = options.parent, .description = options.description});
    return watch.line("zone '" + registry::tree_name(options.name) + "'", "changed");
  });
}

void run_remove(const TreeOptions& options) {
  print_change(options.hub, [&](soci::session& sql, const Actor& actor) {
    registry::remove_tree_zone(sql, actor, options.name);
    return fmt::format("zone '{}': removed\n", registry::tree_name(options.name));
  });
}

} // namespace

void add_tree_command(CLI::App& app) {
  const auto options = std::make_shared<TreeOptions>();
  CLI::App* tree = app.add_subcommand("tree", "Zones that servers are in: the world, continents, countries");
  tree->require_subcommand(1);
  const auto add = [&](const char* name, const char* what, const char* example, void (*run)(const TreeOptions&)) {
    CLI::App* command = tree->add_subcommand(name, what);
    command->footer(std::string("Example: anytick tree ") + example);
    add_hub_options(*command, options->hub);
    command->callback([options, run] { run(*options); });
    return command;
  };
  const auto add_values = [&](CLI::App& command) {
    command.add_option("--parent", options->parent, "the zone above it");
    command.add_option("--description", options->description, "for people");
    add_actor_options(command, options->hub);
  };

  CLI::App* list = add("list", "List zones and how many servers are in them", "list --json", run_list);
  list->add_flag("--json", options->json, "as a JSON array");

  CLI::App* fresh = add("add", "Add a zone", "add nordics --parent europe --description 'by the sea'", run_add);
  fresh->add_option("ZONE", options->name, "its name, a label of each root");
  fresh->add_flag("--default", options->world, "what is missing of the world: continents and all countries");
  add_values(*fresh);

  CLI::App* set = add("set", "Change a zone", "set se --parent nordics", run_set);
  set->add_option("ZONE", options->name, "its name")->required();
  add_values(*set);

  CLI::App* remove = add("remove", "Remove a zone without servers and without zones below it", "remove aq", run_remove);
  remove->add_option("ZONE", options->name, "its name")->required();
  add_actor_options(*remove, options->hub);
}

} // namespace anytick::control
