#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>
#include <soci/soci.h>

#include "control/registry/actor.h"

/// What the hub remembers under a name, within a transaction.
namespace anytick::delivery {

/// Seconds since 1970.
using WallClock = std::function<int64_t()>;

std::optional<nlohmann::json> read_setting(soci::session& sql, const std::string& name);
void write_setting(soci::session& sql, const std::string& name, const nlohmann::json& value);
void remove_setting(soci::session& sql, const std::string& name);

/// While it is there, nothing is pushed but by hand: after a rollback, plans would bring back what was rolled back.
struct Hold {
  int64_t serial = 0; ///< that was rolled back to
  std::string who;
  std::string reason;
  int64_t time = 0;
};
std::optional<Hold> read_hold(soci::session& sql);
void set_hold(soci::session& sql, const Hold& hold);
/// False: there was none.
bool release_hold(soci::session& sql, const registry::Actor& actor);

} // namespace anytick::delivery
