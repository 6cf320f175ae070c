#include <fmt/format.h>

#include "control/registry/json.h"
#include "control/registry/servers.h"
#include "control/registry/transfer_apply.h"

namespace anytick::registry::transfer {
namespace {

std::string shown(const geo::Address& address) {
  return "server " + geo::to_text(address);
}

/// What differs of it. Zones and their netspeeds go together, so that the registry sees whether they fit.
std::optional<ServerChanges> changes_of(const ServerRow& row, const Server& before) {
  ServerChanges changes;
  const bool zones_differ =
      (row.zones && *row.zones != before.zones) || (row.zone_netspeed && *row.zone_netspeed != before.zone_netspeed);
  if (zones_differ) changes = {.zones = row.zones, .zone_netspeed = row.zone_netspeed};
  const bool netspeed_differs = row.netspeed && *row.netspeed != before.netspeed;
  if (netspeed_differs) changes.netspeed = row.netspeed;
  const bool note_differs = row.note && *row.note != before.note;
  if (note_differs) changes.note = row.note;
  return zones_differ || netspeed_differs || note_differs ? std::optional(changes) : std::nullopt;
}

bool same(const Server& server, const Server& other) {
  return server.account == other.account && json_of(server, "") == json_of(other, "");
}

} // namespace

Applier::Outcome Applier::apply(const ServerRow& row) {
  const auto found = servers_.find(row.address);
  if (found == servers_.end()) {
    add(row);
    return Outcome::added;
  }
  require_update(shown(row.address));
  return same(change(found->second, row), found->second) ? Outcome::same : Outcome::changed;
}

void Applier::add(const ServerRow& row) {
  NewServer fresh{.address = row.address,
                  .account = account_id(shown(row.address), row.account),
                  .netspeed = row.netspeed.value_or(netspeed_default),
                  .zones = row.zones.value_or(std::vector<std::string>()),
                  .zone_netspeed = row.zone_netspeed.value_or(std::map<std::string, uint32_t>()),
                  .note = row.note.value_or(""),
                  .unusual = options_.unusual};
  add_server(sql_, actor_, fresh);
  if (row.state == ServerState::active) verify_by_operator(sql_, actor_, row.address);
  if (row.deletion && *row.deletion) schedule_deletion(sql_, actor_, row.address, **row.deletion);
}

Server Applier::change(const Server& before, const ServerRow& row) {
  Server after = before;
  if (row.state == ServerState::unverified && before.state != ServerState::unverified)
    throw Fault(shown(row.address) + ": it is verified, and stays that");
  if (const auto changes = changes_of(row, before)) after = change_server(sql_, actor_, row.address, *changes);
  if (row.account) {
    const Id account = account_id(shown(row.address), row.account);
    if (account != before.account) after = move_server(sql_, actor_, row.address, account);
  }
  if (row.state && *row.state != before.state) after = verify_by_operator(sql_, actor_, row.address);
  if (row.deletion && *row.deletion != before.deletion)
    after = *row.deletion ? schedule_deletion(sql_, actor_, row.address, **row.deletion)
                          : keep_server(sql_, actor_, row.address);
  return after;
}

void Applier::remove_servers() {
  for (const auto& [address, server] : servers_)
    remove_one(Kind::servers, geo::to_text(address), [&, &each = address] { remove_server(sql_, actor_, each); });
}

} // namespace anytick::registry::transfer
