#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <soci/soci.h>

#include "control/registry/actor.h"
#include "control/registry/model.h"
#include "geo/prefix.h"

/// Servers, within a transaction. All throw Fault. An address is that of a server that is not removed.
namespace anytick::registry {

struct NewServer {
  geo::Address address;
  Id account = 0;
  uint32_t netspeed = netspeed_default;
  std::vector<std::string> zones{};                ///< those above them are implied
  std::map<std::string, uint32_t> zone_netspeed{}; ///< of these and those above them
  std::string note{};
  bool unusual = false; ///< addresses that are nobody's on the Internet are taken, too: private ones, documentation
};

struct AddedServer {
  Server server;
  std::string token; ///< shows that the account controls the address, asked for from there; nobody can tell it again
};
AddedServer add_server(soci::session& sql, const Actor& actor, const NewServer& server);

/// What is not set stays. A zone's netspeed goes with its zone.
struct ServerChanges {
  std::optional<uint32_t> netspeed{};
  std::optional<std::vector<std::string>> zones{};
  std::optional<std::map<std::string, uint32_t>> zone_netspeed{};
  std::optional<std::string> note{};
};
Server change_server(soci::session& sql, const Actor& actor, const geo::Address& address, const ServerChanges& changes);

std::optional<Server> find_server(soci::session& sql, const geo::Address& address);
/// Fault where there is none.
Server get_server(soci::session& sql, const geo::Address& address);

/// All that are set hold.
struct ServerQuery {
  std::optional<Id> account{};
  std::optional<std::string> zone{}; ///< of the tree; servers of those below it are in it
  std::optional<ServerState> state{};
  std::optional<geo::Address> address{};
  bool removed = false; ///< those that are removed, too
};
/// By address; with the same address, the oldest first.
std::vector<Server> list_servers(soci::session& sql, const ServerQuery& query);

/// Another token, for one that is not verified; the one before is void.
std::string renew_token(soci::session& sql, const Actor& actor, const geo::Address& address);
/// `peer` is where the token came from: it must be the server's own address (or IPv4 as IPv6 has it).
Server verify_by_token(soci::session& sql, const Actor& actor, const std::string& token, const geo::Address& peer);
/// An operator's word, which needs a reason.
Server verify_by_operator(soci::session& sql, const Actor& actor, const geo::Address& address);

/// `when` is later than now.
Server schedule_deletion(soci::session& sql, const Actor& actor, const geo::Address& address, int64_t when);
Server keep_server(soci::session& sql, const Actor& actor, const geo::Address& address);
/// At once. It is kept for its history, without zones; the address may be added again.
void remove_server(soci::session& sql, const Actor& actor, const geo::Address& address);
/// Removes servers whose time of deletion has come, and returns them.
std::vector<Server> remove_due_servers(soci::session& sql, const Actor& actor);
Server move_server(soci::session& sql, const Actor& actor, const geo::Address& address, Id account);

} // namespace anytick::registry
