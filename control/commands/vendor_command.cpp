#include "control/commands/vendor_command.h"

#include <memory>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "control/command.h"
#include "control/commands/hub_options.h"
#include "control/commands/listing.h"
#include "control/registry/accounts.h"
#include "control/registry/json.h"
#include "control/registry/names.h"
#include "control/registry/roots.h"
#include "control/registry/vendors.h"

namespace anytick::control {
namespace {

using nlohmann::ordered_json;
using registry::Actor;
using registry::VendorStep;
using registry::VendorZone;

struct VendorOptions {
  HubOptions hub;
  std::string name;
  std::string account;
  std::string root; ///< "": the only one
  std::string client, sink;
  std::optional<uint32_t> throttle;
  std::optional<std::string> note;
  bool no_throttle = false;
  std::string state; ///< of a list
  bool json = false;
};

std::string only_root(soci::session& sql) {
  const auto roots = registry::list_roots(sql);
  if (roots.size() != 1)
    throw CommandFailure(exit_usage, fmt::format("vendor add: there are {} roots, give --root", roots.size()));
  return roots.front().origin;
}

registry::VendorChanges changes_of(const VendorOptions& options) {
  registry::VendorChanges changes{.client = registry::vendor_client_by_name(options.client),
                                  .sink = registry::vendor_sink_by_name(options.sink),
                                  .note = options.note};
  if (options.no_throttle || options.throttle) changes.throttle = options.throttle;
  return changes;
}

ordered_json shown(soci::session& sql, const VendorZone& vendor) {
  return registry::json_of(vendor, registry::get_account(sql, vendor.account).name);
}

void run_add(const VendorOptions& options) {
  print_change(options.hub, [&](soci::session& sql, const Actor& actor) {
    const registry::VendorChanges given = changes_of(options);
    VendorZone vendor;
    vendor.name = options.name;
    vendor.account = registry::get_account(sql, options.account).id;
    vendor.root = options.root.empty() ? only_root(sql) : options.root;
    vendor.client = given.client.value_or(vendor.client);
    vendor.sink = given.sink.value_or(vendor.sink);
    vendor.throttle = options.throttle;
    vendor.note = options.note.value_or("");
    vendor = registry::add_vendor(sql, actor, vendor);
    return fmt::format("vendor zone '{}': added to {}, {}\n", vendor.name, vendor.root, name_of(vendor.state));
  });
}

void run_list(const VendorOptions& options) {
  auto array = ordered_json::array();
  read_registry(options.hub, [&](soci::session& sql) {
    array = ordered_json::array();
    for (const VendorZone& vendor : registry::list_vendors(sql))
      if (options.state.empty() || options.state == name_of(vendor.state)) array.push_back(shown(sql, vendor));
  });
  TextTable table({{"VENDOR"},
                   {"ROOT"},
                   {"STATE"},
                   {"CLIENT"},
                   {"SINK"},
                   {"THROTTLE", TextTable::Side::right},
                   {"ACCOUNT"},
                   {"NOTE"}});
  for (const ordered_json& vendor : array) {
    std::vector<std::string> cells;
    for (const char* key : {"name", "root", "state", "client", "sink", "throttle", "account", "note"})
      cells.push_back(value_text(key, vendor[key]));
    table.add(std::move(cells));
  }
  fmt::print("{}", options.json ? list_json(array) : table.text());
}

void run_show(const VendorOptions& options) {
  ordered_json object;
  read_registry(options.hub, [&](soci::session& sql) { object = shown(sql, registry::get_vendor(sql, options.name)); });
  print_object(object, options.json);
}

void run_set(const VendorOptions& options) {
  print_change(options.hub, [&](soci::session& sql, const Actor& actor) {
    ChangeWatch watch(sql);
    const VendorZone vendor = registry::change_vendor(sql, actor, options.name, changes_of(options));
    return watch.line("vendor zone '" + vendor.name + "'", "changed");
  });
}

void run_remove(const VendorOptions& options) {
  print_change(options.hub, [&](soci::session& sql, const Actor& actor) {
    registry::remove_vendor(sql, actor, options.name);
    return fmt::format("vendor zone '{}': removed\n", options.name);
  });
}

template <VendorStep step> void run_step(const VendorOptions& options) {
  print_change(options.hub, [&](soci::session& sql, const Actor& actor) {
    const VendorZone vendor = registry::step_vendor(sql, actor, options.name, step);
    return fmt::format("vendor zone '{}': {}\n", vendor.name, name_of(vendor.state));
  });
}

using Shared = std::shared_ptr<VendorOptions>;

CLI::App* add(CLI::App& parent, const char* name, const char* what, const Shared& options, const char* example,
              void (*run)(const VendorOptions&)) {
  CLI::App* command = parent.add_subcommand(name, what);
  command->footer(std::string("Example: anytick vendor ") + example);
  add_hub_options(*command, options->hub);
  command->callback([options, run] { run(*options); });
  return command;
}

CLI::App* add_change(CLI::App& parent, const char* name, const char* what, const Shared& options, const char* example,
                     void (*run)(const VendorOptions&)) {
  CLI::App* command = add(parent, name, what, options, example, run);
  command->add_option("VENDOR", options->name, "its label")->required();
  add_actor_options(*command, options->hub);
  return command;
}

void add_properties(CLI::App& command, VendorOptions& options) {
  command.add_option("--client", options.client, "sntp asks VENDOR, ntp 0.VENDOR to 3.VENDOR, legacy all of them")
      ->check(CLI::IsMember({"sntp", "ntp", "legacy"}));
  command.add_option("--sink", options.sink, "what its clients get while it is suspended: nodata, or sink addresses")
      ->check(CLI::IsMember({"nodata", "sink"}));
  command.add_option("--throttle", options.throttle, "queries a second at each POP; the rest is refused");
  command.add_option("--note", options.note, "for people");
}

void add_steps(CLI::App& vendor, const Shared& options) {
  add_change(vendor, "submit", "Ask for approval of a draft, or again after it was rejected", options, "submit acme",
             run_step<VendorStep::submit>);
  add_change(vendor, "approve", "Let a pending vendor zone be served", options, "approve acme",
             run_step<VendorStep::approve>);
  add_change(vendor, "reject", "Turn a pending vendor zone down", options, "reject acme --reason 'asks too often'",
             run_step<VendorStep::reject>);
  add_change(vendor, "suspend", "Give nothing more to a vendor's clients", options,
             "suspend acme --reason 'floods since May'", run_step<VendorStep::suspend>);
  add_change(vendor, "resume", "Serve a suspended vendor again", options, "resume acme", run_step<VendorStep::resume>);
}

} // namespace

void add_vendor_command(CLI::App& app) {
  const auto options = std::make_shared<VendorOptions>();
  CLI::App* vendor = app.add_subcommand("vendor", "Vendor zones: names of their own for devices");
  vendor->require_subcommand(1);

  CLI::App* fresh = add_change(*vendor, "add", "Add a vendor zone, as a draft", options,
                               "add acme --account 'Acme Inc' --client sntp", run_add);
  fresh->add_option("--account", options->account, "whose it is")->required();
  fresh->add_option("--root", options->root, "origin that it is below; default: the only one");
  add_properties(*fresh, *options);

  CLI::App* list = add(*vendor, "list", "List vendor zones", options, "list --state pending", run_list);
  list->add_option("--state", options->state, "draft, pending, approved, rejected or suspended")
      ->check(CLI::IsMember({"draft", "pending", "approved", "rejected", "suspended"}));
  list->add_flag("--json", options->json, "as a JSON array");

  CLI::App* show = add(*vendor, "show", "Show a vendor zone", options, "show acme --json", run_show);
  show->add_option("VENDOR", options->name, "its label")->required();
  show->add_flag("--json", options->json, "as one JSON object");

  CLI::App* set = add_change(*vendor, "set", "Change a vendor zone", options, "set acme --throttle 500", run_set);
  add_properties(*set, *options);
  set->add_flag("--no-throttle", options->no_throttle, "no throttle any more")->excludes("--throttle");
  add_steps(*vendor, options);
  add_change(*vendor, "remove", "Remove a vendor zone that is not served", options, "remove acme", run_remove);
}

} // namespace anytick::control
