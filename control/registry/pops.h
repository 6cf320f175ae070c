#pragma once

#include <optional>
#include <string>
#include <vector>

#include <soci/soci.h>

#include "control/registry/actor.h"
#include "control/registry/model.h"

/// POPs, within a transaction. All throw Fault.
namespace anytick::registry {

/// A target is "unix:" and an absolute path, or HOST:PORT. There, a tls_name that is empty becomes the host.
Pop add_pop(soci::session& sql, const Actor& actor, const Pop& pop);

/// What is not set stays.
struct PopChanges {
  std::optional<std::string> target{};
  std::optional<std::string> tls_name{};
  std::optional<bool> canary{};
  std::optional<bool> enabled{};
};
Pop change_pop(soci::session& sql, const Actor& actor, const std::string& name, const PopChanges& changes);
void remove_pop(soci::session& sql, const Actor& actor, const std::string& name);

std::optional<Pop> find_pop(soci::session& sql, const std::string& name);
/// Fault where there is none.
Pop get_pop(soci::session& sql, const std::string& name);
/// By name.
std::vector<Pop> list_pops(soci::session& sql);

} // namespace anytick::registry
