#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "geo/location.h"
#include "geo/map_format.h"
#include "geo/prefix.h"
#include "geo/refusal.h"

namespace anytick::geo {

/// One distinct (location, prefix lengths) of the map: what a lookup finds.
struct Place {
  uint32_t location; ///< index into Map::locations()
  /// For each Level, the length of the widest prefix around the looked-up address within which every address
  /// is the same at that level: 0..32 for IPv4, 0..128 for IPv6.
  std::array<uint8_t, level_count> length;

  auto operator<=>(const Place&) const = default;
};

/// The frozen geo map: a read-only view of bytes that the caller keeps alive, unchanged and 8-byte aligned.
/// Lookups are total (an address nobody knows has an unknown location), do not allocate and may run on any thread.
class Map {
 public:
  static constexpr uint32_t format_version = 1;

  /// Checks all of `bytes` once: a Map that came back never reads outside them.
  static Result<Map> validate(std::span<const std::byte> bytes);

  /// Index into places(). Address in host order.
  uint32_t find_ipv4(uint32_t address) const;
  uint32_t find_ipv6(uint64_t high, uint64_t low) const;
  uint32_t find(const Address& address) const;
  /// Hints the cache to the first line that find_*() will read.
  void prefetch_ipv4(uint32_t address) const;
  void prefetch_ipv6(uint64_t high) const;
  /// find_ipv4() of each address, interleaved to hide memory latency. Precondition: same sizes.
  void find_ipv4(std::span<const uint32_t> addresses, std::span<uint32_t> places) const;

  std::span<const Place> places() const { return places_; }
  std::span<const Location> locations() const { return locations_; }
  const Location& location_of(uint32_t place) const { return locations_[places_[place].location]; }

  uint64_t created() const;               ///< seconds since 1970 as stated by the compiler, 0 if it did not
  std::array<uint8_t, 32> digest() const; ///< SHA-256 over the bytes with this field zero
  std::span<const std::byte> bytes() const;

 private:
  friend class MapValidator;

  struct Trie {
    const uint32_t* roots;
    const TrieNode* nodes;
    const uint32_t* leaves;

    uint32_t descend(uint32_t node_index, unsigned slot) const;
    uint32_t follow(uint32_t entry, uint64_t bits, uint64_t more_bits) const;
  };

  Map() = default;
  const MapHeader& header() const { return *reinterpret_cast<const MapHeader*>(bytes_.data()); }
  template <class T> std::span<const T> section(MapSection which) const {
    const MapSectionPlace& place = header().sections[static_cast<size_t>(which)];
    return {reinterpret_cast<const T*>(bytes_.data() + place.offset), static_cast<size_t>(place.count)};
  }

  std::span<const std::byte> bytes_;
  std::span<const Place> places_;
  std::span<const Location> locations_;
  Trie ipv4_{};
  Trie ipv6_{};
};

/// The entry that a node's slot leads to.
inline uint32_t Map::Trie::descend(uint32_t node_index, unsigned slot) const {
  const TrieNode& node = nodes[node_index];
  const uint64_t bit = uint64_t{1} << slot;
  if ((node.children & bit) != 0)
    return node.first_child + static_cast<uint32_t>(std::popcount(node.children & (bit - 1)));
  const uint64_t up_to_slot = (bit << 1) - 1;
  return entry_is_place | leaves[node.first_leaf + static_cast<uint32_t>(std::popcount(node.leaves & up_to_slot)) - 1];
}

/// The place that `entry` leads to, given the bits of the address after root_bits, left-aligned.
inline uint32_t Map::Trie::follow(uint32_t entry, uint64_t bits, uint64_t more_bits) const {
  while ((entry & entry_is_place) == 0) {
    entry = descend(entry, static_cast<unsigned>(bits >> (64 - stride_bits)));
    bits = bits << stride_bits | more_bits >> (64 - stride_bits);
    more_bits <<= stride_bits;
  }
  return entry ^ entry_is_place;
}

inline uint32_t Map::find_ipv4(uint32_t address) const {
  return ipv4_.follow(ipv4_.roots[address >> (32 - root_bits)], uint64_t{address} << (32 + root_bits), 0);
}

inline uint32_t Map::find_ipv6(uint64_t high, uint64_t low) const {
  const uint64_t bits = high << root_bits | low >> (64 - root_bits);
  return ipv6_.follow(ipv6_.roots[high >> (64 - root_bits)], bits, low << root_bits);
}

inline void Map::prefetch_ipv4(uint32_t address) const {
  __builtin_prefetch(&ipv4_.roots[address >> (32 - root_bits)]);
}

inline void Map::prefetch_ipv6(uint64_t high) const {
  __builtin_prefetch(&ipv6_.roots[high >> (64 - root_bits)]);
}

} // namespace anytick::geo
