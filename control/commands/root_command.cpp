#include "control/commands/root_command.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "control/command.h"
#include "control/commands/hub_options.h"
#include "control/commands/listing.h"
#include "control/registry/json.h"
#include "control/registry/roots.h"

namespace anytick::control {
namespace {

using nlohmann::ordered_json;
using registry::Actor;
using registry::DnsRoot;

struct RootOptions {
  HubOptions hub;
  std::string origin;
  std::optional<std::string> contact;
  std::vector<std::string> name_servers;
  std::optional<uint32_t> ttl, max_hosts;
  std::string static_file;
  bool json = false;
};

registry::RootChanges changes_of(const RootOptions& options) {
  registry::RootChanges changes{.contact = options.contact, .ttl = options.ttl, .max_hosts = options.max_hosts};
  if (!options.name_servers.empty()) changes.name_servers = options.name_servers;
  if (!options.static_file.empty()) changes.static_data = std::string(as_text(read_file(options.static_file)));
  return changes;
}

/// What is odd about a root without being wrong.
std::string warnings_of(soci::session& sql, const DnsRoot& root) {
  const Findings findings = registry::check_root(sql, root);
  std::string text;
  for (const Finding& finding : findings.all()) text += finding.text() + "\n";
  return text;
}

/// `change` returns the root and what to say of it.
template <class Change> void run_change(const RootOptions& options, Change change) {
  std::string warnings;
  print_change(options.hub, [&](soci::session& sql, const Actor& actor) {
    const auto [root, text] = change(sql, actor);
    warnings = warnings_of(sql, root);
    return text;
  });
  fmt::print(stderr, "{}", warnings);
}

void run_add(const RootOptions& options) {
  const registry::RootChanges given = changes_of(options);
  run_change(options, [&](soci::session& sql, const Actor& actor) {
    DnsRoot root;
    root.origin = options.origin;
    root.contact = given.contact.value_or("");
    root.name_servers = options.name_servers;
    root.ttl = given.ttl.value_or(root.ttl);
    root.max_hosts = given.max_hosts.value_or(root.max_hosts);
    root.static_data = given.static_data.value_or("");
    root = registry::add_root(sql, actor, root);
    return std::pair(root, fmt::format("root {}: added\n", root.origin));
  });
}

void run_set(const RootOptions& options) {
  const registry::RootChanges given = changes_of(options);
  run_change(options, [&](soci::session& sql, const Actor& actor) {
    ChangeWatch watch(sql);
    const DnsRoot root = registry::change_root(sql, actor, options.origin, given);
    return std::pair(root, watch.line("root " + root.origin, "changed"));
  });
}

void run_list(const RootOptions& options) {
  std::vector<DnsRoot> roots;
  read_registry(options.hub, [&](soci::session& sql) { roots = registry::list_roots(sql); });
  auto array = ordered_json::array();
  TextTable table({{"ORIGIN"},
                   {"CONTACT"},
                   {"TTL", TextTable::Side::right},
                   {"SERVERS", TextTable::Side::right},
                   {"LABELS", TextTable::Side::right},
                   {"NAME SERVERS"}});
  for (const DnsRoot& root : roots) {
    array.push_back(registry::json_of(root));
    table.add({root.origin, root.contact, std::to_string(root.ttl), std::to_string(root.max_hosts),
               std::to_string(array.back()["static_data"].size()), joined(root.name_servers, " ")});
  }
  fmt::print("{}", options.json ? list_json(array) : table.text());
}

void run_show(const RootOptions& options) {
  ordered_json object;
  read_registry(options.hub,
                [&](soci::session& sql) { object = registry::json_of(registry::get_root(sql, options.origin)); });
  print_object(object, options.json);
}

void run_remove(const RootOptions& options) {
  print_change(options.hub, [&](soci::session& sql, const Actor& actor) {
    registry::remove_root(sql, actor, options.origin);
    return fmt::format("root {}: removed\n", options.origin);
  });
}

} // namespace

void add_root_command(CLI::App& app) {
  const auto options = std::make_shared<RootOptions>();
  CLI::App* root = app.add_subcommand("root", "Zones of the DNS that the pool answers for");
  root->require_subcommand(1);
  const auto add = [&](const char* name, const char* what, const char* example, void (*run)(const RootOptions&)) {
    CLI::App* command = root->add_subcommand(name, what);
    command->footer(std::string("Example: anytick root ") + example);
    add_hub_options(*command, options->hub);
    command->callback([options, run] { run(*options); });
    return command;
  };
  const auto add_origin = [&](CLI::App& command) {
    command.add_option("ORIGIN", options->origin, "the zone's name")->required();
  };
  const auto add_values = [&](CLI::App& command) {
    command.add_option("--ns", options->name_servers, "a name server; may stand several times")
        ->allow_extra_args(false);
    command.add_option("--contact", options->contact, "mail address; default: hostmaster.ORIGIN");
    command.add_option("--ttl", options->ttl, "of answers with servers, 30 to 86400 s; default: 150");
    command.add_option("--max-hosts", options->max_hosts, "servers in an answer, 1 to 16; default: 4");
    command.add_option("--static", options->static_file,
                       "JSON object of GeoDNS labels: name servers' addresses, www, ...");
    add_actor_options(command, options->hub);
  };

  CLI::App* fresh = add("add", "Add a root", "add pool.example --ns ns1.example.net --ns ns2.example.net", run_add);
  add_origin(*fresh);
  add_values(*fresh);
  CLI::App* list = add("list", "List roots", "list", run_list);
  list->add_flag("--json", options->json, "as a JSON array");
  CLI::App* show = add("show", "Show a root", "show pool.example --json", run_show);
  add_origin(*show);
  show->add_flag("--json", options->json, "as one JSON object");
  CLI::App* set =
      add("set", "Change a root; --ns replaces all name servers", "set pool.example --static labels.json", run_set);
  add_origin(*set);
  add_values(*set);
  CLI::App* remove = add("remove", "Remove a root without vendor zones", "remove pool.example", run_remove);
  add_origin(*remove);
  add_actor_options(*remove, options->hub);
}

} // namespace anytick::control
