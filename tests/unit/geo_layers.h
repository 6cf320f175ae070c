#pragma once

#include <random>
#include <span>
#include <string_view>
#include <vector>

#include "geo/layer.h"

namespace anytick::geo::test {

/// Layers of nested and neighbouring prefixes of both families and all lengths, with statements of all kinds.
std::vector<Layer> random_layers(std::mt19937_64& random);

/// What a layer's statement makes of the location that the layers below it give.
Location covered(Location below, const Location& stated);

/// The location by the book: in each layer the longest prefix that matches, found by looking at all of them.
Location naive_location(std::span<const Layer> layers, const Address& address);

/// Where the location may change, and no other place: the first address of each prefix, and the one after its last;
/// and the first of all.
std::vector<Address> boundaries(std::span<const Layer> layers, Family family);

Address random_address(std::mt19937_64& random, Family family);
Address successor(Address address);
Address predecessor(Address address);
Address last_of(const Prefix& prefix);

/// Of "PREFIX COUNTRY[-REGION] [ASN]" lines, "-" for no country; the continent is the country's.
Layer layer_of(std::string_view lines);

} // namespace anytick::geo::test
