#pragma once

#include "dataplane/core/zone_image.h"
#include "geo/map.h"
#include "tests/unit/mutant.h"

namespace anytick::test {

inline TableForm image_form() {
  using namespace core;
  return {sizeof(ZoneHeader),
          offsetof(ZoneHeader, digest),
          offsetof(ZoneHeader, total_bytes),
          offsetof(ZoneHeader, sections),
          false,
          {1, sizeof(ImageZone), sizeof(ImageNode), sizeof(ImageNodeType), sizeof(ImageSelector), sizeof(ImageEntry),
           sizeof(ImageTarget), sizeof(ImageRRset), sizeof(ImageRecord)}};
}

inline TableForm map_form() {
  using namespace geo;
  return {sizeof(MapHeader),
          offsetof(MapHeader, digest),
          offsetof(MapHeader, total_bytes),
          offsetof(MapHeader, sections),
          true,
          {sizeof(Location), sizeof(Place), sizeof(uint32_t), sizeof(TrieNode), sizeof(uint32_t), sizeof(uint32_t),
           sizeof(TrieNode), sizeof(uint32_t)}};
}

} // namespace anytick::test
