#pragma once

#include <string_view>

#include "geo/location.h"

namespace anytick::geo {

/// The group of regions that pool zones put a region in: "us-west", "us-central", "us-east" and the federal districts
/// of Russia ("ru-vfd" ...), as GeoDNS knows them. "" where there is none.
std::string_view region_group(const Location& location);
bool is_region_group(std::string_view name);

} // namespace anytick::geo
