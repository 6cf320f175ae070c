#pragma once

#include <soci/soci.h>

#include "control/registry/actor.h"
#include "control/sample/world.h"

namespace anytick::sample {

inline constexpr const char* origin = "pool.example";
inline constexpr const char* pop_name = "local";

/// Puts the default tree, a DNS root, a POP at `control` and a made-up world into an empty registry, within a
/// transaction. Throws registry::Fault.
void fill_registry(soci::session& sql, const registry::Actor& actor, const World& world, const std::string& control);

} // namespace anytick::sample
