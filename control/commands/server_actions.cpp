#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "control/command.h"
#include "control/commands/listing.h"
#include "control/commands/query_options.h"
#include "control/commands/server_options.h"
#include "control/commands/time_option.h"
#include "control/registry/accounts.h"
#include "control/registry/audit.h"
#include "control/registry/json.h"
#include "control/registry/names.h"
#include "control/registry/servers.h"
#include "control/registry/tree.h"
#include "geo/text.h"

namespace anytick::control {
namespace {

using nlohmann::ordered_json;
using registry::Actor;
using registry::Server;

std::vector<geo::Address> addresses_of(const ServerOptions& options, const char* command) {
  std::vector<geo::Address> addresses;
  for (const std::string& text : options.addresses) addresses.push_back(address_option(command, text));
  return addresses;
}

std::string shown(const geo::Address& address) {
  return "server " + geo::to_text(address);
}

/// `change` of each server that was named, in one transaction.
template <class Change>
void change_each(const ServerOptions& options, const char* command, const std::string& word, Change change) {
  const std::vector<geo::Address> addresses = addresses_of(options, command);
  print_change(options.hub, [&](soci::session& sql, const Actor& actor) {
    std::string text;
    ChangeWatch watch(sql);
    for (const geo::Address& address : addresses) {
      change(sql, actor, address);
      text += watch.line(shown(address), word);
    }
    return text;
  });
}

/// "de=3000" changes a zone's netspeed, "de=" takes it away.
void apply_zone_netspeed(const std::vector<std::string>& texts, std::map<std::string, uint32_t>& speeds) {
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    const std::string zone = registry::tree_name(text.substr(0, equals));
    const std::string number = equals == text.npos ? "" : text.substr(equals + 1);
    const auto kbit = geo::number_of<uint32_t>(number);
    if (equals == text.npos || zone.empty() || (!kbit && !number.empty()))
      throw CommandFailure(exit_usage, fmt::format("--zone-netspeed: '{}' is not ZONE=KBIT", text));
    if (kbit)
      speeds[zone] = *kbit;
    else
      speeds.erase(zone);
  }
}

std::string token_text(const geo::Address& address, const std::string& token) {
  return fmt::format("token: {}\nTo verify it, get /verify/{} of the hub from {} itself.\n", token, token,
                     geo::to_text(address));
}

/// All zones, or some more and some less than there were.
std::vector<std::string> zones_after(const ServerOptions& options, const Server& server) {
  const std::vector<std::string>& begin = options.zones.empty() ? server.zones : options.zones;
  std::set<std::string> zones;
  for (const std::string& zone : begin) zones.insert(registry::tree_name(zone));
  for (const std::string& zone : options.fewer_zones)
    if (zones.erase(registry::tree_name(zone)) == 0)
      throw registry::Fault(fmt::format("{}: it is not in zone '{}'", shown(server.address), zone));
  for (const std::string& zone : options.more_zones) zones.insert(registry::tree_name(zone));
  return {zones.begin(), zones.end()};
}

registry::ServerChanges changes_of(const ServerOptions& options, const Server& server) {
  registry::ServerChanges changes{.netspeed = options.netspeed, .note = options.note};
  changes.zones = zones_after(options, server);
  if (options.zone_netspeed.empty()) return changes;
  auto speeds = server.zone_netspeed;
  apply_zone_netspeed(options.zone_netspeed, speeds);
  changes.zone_netspeed = std::move(speeds);
  return changes;
}

/// Accounts are named by their names.
class AccountNames {
 public:
  explicit AccountNames(soci::session& sql) {
    for (const registry::Account& account : registry::list_accounts(sql)) names_[account.id] = account.name;
  }
  const std::string& of(const Server& server) const { return names_.at(server.account); }

 private:
  std::map<registry::Id, std::string> names_;
};

std::string list_text(const std::vector<Server>& servers, const AccountNames& names) {
  TextTable table(
      {{"ADDRESS"}, {"STATE"}, {"NETSPEED", TextTable::Side::right}, {"ZONES"}, {"ACCOUNT"}, {"DELETION"}, {"NOTE"}});
  for (const Server& server : servers) {
    std::vector<std::string> zones = server.zones;
    for (const auto& [zone, kbit] : server.zone_netspeed) zones.push_back(fmt::format("{}={}", zone, kbit));
    table.add({geo::to_text(server.address), std::string(name_of(server.state)), std::to_string(server.netspeed),
               joined(zones, " "), names.of(server), server.deletion ? value_text("deletion", *server.deletion) : "",
               server.note});
  }
  return table.text();
}

std::string list_json_of(const std::vector<Server>& servers, const AccountNames& names) {
  auto array = ordered_json::array();
  for (const Server& server : servers) array.push_back(registry::json_of(server, names.of(server)));
  return list_json(array);
}

} // namespace

void run_server_add(const ServerOptions& options) {
  const std::vector<geo::Address> addresses = addresses_of(options, "server add");
  std::map<std::string, uint32_t> speeds;
  apply_zone_netspeed(options.zone_netspeed, speeds);
  print_change(options.hub, [&](soci::session& sql, const Actor& actor) {
    const registry::Id account = registry::get_account(sql, options.account).id;
    std::string text;
    for (const geo::Address& address : addresses) {
      const registry::AddedServer added =
          registry::add_server(sql, actor,
                               {.address = address,
                                .account = account,
                                .netspeed = options.netspeed.value_or(registry::netspeed_default),
                                .zones = options.zones,
                                .zone_netspeed = speeds,
                                .note = options.note.value_or(""),
                                .unusual = options.unusual});
      if (options.verified) registry::verify_by_operator(sql, actor, address);
      const std::string_view state = name_of(options.verified ? registry::ServerState::active : added.server.state);
      ordered_json object{{"address", geo::to_text(address)}, {"state", state}};
      if (!options.verified) object["token"] = added.token;
      const std::string token = options.verified ? "" : token_text(address, added.token);
      text += options.json ? object.dump() + "\n" : fmt::format("{}: added, {}\n{}", shown(address), state, token);
    }
    return text;
  });
}

void run_server_set(const ServerOptions& options) {
  change_each(options, "server set", "changed",
              [&](soci::session& sql, const Actor& actor, const geo::Address& address) {
                const registry::ServerChanges changes = changes_of(options, registry::get_server(sql, address));
                registry::change_server(sql, actor, address, changes);
              });
}

void run_server_list(const ServerOptions& options) {
  std::string text;
  read_registry(options.hub, [&](soci::session& sql) {
    registry::ServerQuery query{.removed = options.removed};
    if (!options.account.empty()) query.account = registry::get_account(sql, options.account).id;
    if (!options.zone.empty()) query.zone = options.zone;
    if (!options.state.empty()) query.state = registry::server_state_by_name(options.state);
    const std::vector<Server> servers = registry::list_servers(sql, query);
    const AccountNames names(sql);
    text = options.json ? list_json_of(servers, names) : list_text(servers, names);
  });
  fmt::print("{}", text);
}

void run_server_show(const ServerOptions& options) {
  const geo::Address address = addresses_of(options, "server show").front();
  std::vector<ordered_json> objects;
  read_registry(options.hub, [&](soci::session& sql) {
    const AccountNames names(sql);
    std::vector<Server> servers = registry::list_servers(sql, {.address = address, .removed = options.removed});
    if (servers.empty()) throw registry::Fault("there is no " + shown(address));
    objects.clear();
    for (const Server& server : servers) {
      objects.push_back(registry::json_of(server, names.of(server)));
      objects.back()["implied_zones"] = registry::with_those_above(registry::list_tree(sql), server.zones);
    }
  });
  for (const ordered_json& object : objects) print_object(object, options.json);
}

void run_server_verify(const ServerOptions& options) {
  if (!options.renew) {
    return change_each(options, "server verify", "verified",
                       [](soci::session& sql, const Actor& actor, const geo::Address& address) {
                         registry::verify_by_operator(sql, actor, address);
                       });
  }
  const std::vector<geo::Address> addresses = addresses_of(options, "server verify");
  print_change(options.hub, [&](soci::session& sql, const Actor& actor) {
    std::string text;
    for (const geo::Address& address : addresses)
      text += fmt::format("{}: another token\n{}", shown(address),
                          token_text(address, registry::renew_token(sql, actor, address)));
    return text;
  });
}

void run_server_deletion(const ServerOptions& options) {
  change_each(options, "server schedule-deletion", "deletion scheduled",
              [&](soci::session& sql, const Actor& actor, const geo::Address& address) {
                const int64_t when = time_option("server schedule-deletion: --at", options.when, actor.now, 1);
                registry::schedule_deletion(sql, actor, address, when);
              });
}

void run_server_keep(const ServerOptions& options) {
  change_each(options, "server keep", "kept", registry::keep_server);
}

void run_server_remove(const ServerOptions& options) {
  if (options.due != options.addresses.empty())
    throw CommandFailure(exit_usage, "server remove: give addresses, or --due");
  if (!options.due) return change_each(options, "server remove", "removed", registry::remove_server);
  print_change(options.hub, [](soci::session& sql, const Actor& actor) {
    std::string text;
    for (const Server& server : registry::remove_due_servers(sql, actor)) text += shown(server.address) + ": removed\n";
    return text.empty() ? "no server is due\n" : text;
  });
}

void run_server_move(const ServerOptions& options) {
  change_each(options, "server move", "moved",
              [&](soci::session& sql, const Actor& actor, const geo::Address& address) {
                registry::move_server(sql, actor, address, registry::get_account(sql, options.account).id);
              });
}

} // namespace anytick::control
