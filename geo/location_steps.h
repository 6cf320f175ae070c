#pragma once

#include <span>
#include <vector>

#include "geo/address_key.h"
#include "geo/interner.h"
#include "geo/layer.h"

namespace anytick::geo {

/// `value` holds from `start` up to the next step. A list of steps covers a whole family: the first starts at 0,
/// starts rise, and neighbours differ in value.
struct Step {
  AddressKey start;
  uint32_t value;
};

struct LocationHash {
  size_t operator()(const Location& location) const;
};
using Locations = Interner<Location, LocationHash>;

/// What the layers, later ones over earlier ones, say about each address of a family; values are indices of
/// `locations`.
std::vector<Step> merge_layers(std::span<const Layer> layers, Family family, Locations& locations);

} // namespace anytick::geo
