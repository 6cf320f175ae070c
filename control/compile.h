#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "control/zone.h"
#include "geo/refusal.h"

namespace anytick::control {

/// Zones -> image bytes (dataplane/core/zone_image.h), the same for the same zones in any order.
///
/// A query for name N and a client with targets t1..tn, "@" last, tries the labels N.t1 .. N.tn, N (at the apex t1 ..
/// tn, the apex) as far as they exist: at each its alias with the same targets, then its CNAME, then the type asked.
/// The first that yields records answers. Aliases do not stand in for the apex's SOA and NS.
///
/// Precondition: check_zone() found no fault in any of them. Refused: a zone twice or inside another, and what outgrows
/// the format.
Result<std::vector<std::byte>> compile(std::span<const Zone> zones, uint64_t serial, uint64_t created);

} // namespace anytick::control
