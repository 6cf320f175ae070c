#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "geo/layer.h"
#include "geo/refusal.h"

namespace anytick::geo {

/// The frozen map (map_format.h) of the layers, later ones over earlier ones field by field: what Map::validate()
/// takes. Equal layers give equal bytes. Refused: more than 2^24 distinct locations or places. A country stated over
/// another one drops the region below it. `created`: seconds since 1970, 0 if not stated.
Result<std::vector<std::byte>> build_map(std::span<const Layer> layers, uint64_t created);

} // namespace anytick::geo
