#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "geo/address_key.h"
#include "geo/map_format.h"

namespace anytick::geo {

/// An aligned block of addresses with one place, up to where the next begins.
struct PlaceBlock {
  AddressKey first;
  uint32_t place;
};

/// The three sections of an address family.
struct TrieSections {
  std::vector<uint32_t> roots;
  std::vector<TrieNode> nodes;
  std::vector<uint32_t> leaves;
};

/// Precondition: the blocks cover everything in order, the first from 0.
TrieSections build_trie(std::span<const PlaceBlock> blocks);

} // namespace anytick::geo
