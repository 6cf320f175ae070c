#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "control/commands/hub_options.h"
#include "geo/prefix.h"

namespace anytick::control {

/// What `anytick server ...` was given.
struct ServerOptions {
  HubOptions hub;
  std::vector<std::string> addresses;
  std::string account;
  std::optional<uint32_t> netspeed;
  std::vector<std::string> zones, more_zones, fewer_zones;
  std::vector<std::string> zone_netspeed; ///< "de=3000", "de=" for none of its own
  std::optional<std::string> note;
  std::string zone, state; ///< of a list
  std::string when;
  bool unusual = false;
  bool verified = false;
  bool renew = false;
  bool removed = false;
  bool due = false;
  bool json = false;
};

// What each of the subcommands does. All throw CommandFailure.
void run_server_add(const ServerOptions& options);
void run_server_set(const ServerOptions& options);
void run_server_list(const ServerOptions& options);
void run_server_show(const ServerOptions& options);
void run_server_verify(const ServerOptions& options);
void run_server_deletion(const ServerOptions& options);
void run_server_keep(const ServerOptions& options);
void run_server_remove(const ServerOptions& options);
void run_server_move(const ServerOptions& options);

} // namespace anytick::control
