#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "geo/location.h"
#include "geo/prefix.h"

namespace anytick::geo {

/// One source of locations. Statements are Locations whose unknown fields are not stated: there, layers below show.
/// A region comes with its country, a country with its continent.
struct Layer {
  struct Entry {
    Prefix prefix;
    uint32_t statement; ///< index into statements
  };

  std::string name; ///< of the file
  std::vector<Location> statements;
  std::vector<Entry> entries; ///< sorted by prefix, distinct; where they nest, the most specific speaks alone
};

} // namespace anytick::geo
