#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

/// The frozen geo map: one flat, position-independent, immutable byte string. All integers are little-endian.
/// Per address family a poptrie (Asai and Ohara, SIGCOMM 2015): a table over the first bits of the address, then nodes
/// that take 6 bits each. Nodes are in breadth-first order: each has one parent, before it, and its children adjoin.
namespace anytick::geo {

static_assert(std::endian::native == std::endian::little);

inline constexpr std::array<char, 8> map_magic{'a', 'n', 'y', 't', 'g', 'e', 'o', '\0'};

/// Sections follow the header in this order, each 8-byte aligned, gaps zero; the last is padded to 8 bytes.
enum class MapSection : uint32_t {
  locations,   ///< Location: sorted, distinct
  places,      ///< Place: sorted, distinct
  ipv4_roots,  ///< uint32_t, 1 << root_bits: an entry (see entry_is_place) by the first bits of the address
  ipv4_nodes,  ///< TrieNode
  ipv4_leaves, ///< uint32_t: index of a place
  ipv6_roots,
  ipv6_nodes,
  ipv6_leaves,
};
inline constexpr size_t map_section_count = 8;

struct MapSectionPlace {
  uint64_t offset; ///< bytes from the map's start
  uint64_t count;  ///< elements
};

struct MapHeader {
  std::array<char, 8> magic;
  uint32_t format;
  uint32_t header_bytes;          ///< sizeof(MapHeader)
  std::array<uint8_t, 32> digest; ///< SHA-256 over the map with this field zero: finds accidents, not malice
  uint64_t total_bytes;
  uint64_t created; ///< seconds since 1970 as stated by the compiler, 0 if it did not
  std::array<MapSectionPlace, map_section_count> sections;
};

/// 64 slots for the next 6 bits. A slot continues in a child or is a leaf; equal leaves in a row are stored once.
struct TrieNode {
  uint64_t children;    ///< bit n: slot n continues in the child of that rank, at first_child + rank
  uint64_t leaves;      ///< bit n: a stored leaf begins at slot n; never a child's bit
  uint32_t first_child; ///< index of a node; where there is no child, of the next one
  uint32_t first_leaf;
};

inline constexpr unsigned root_bits = 18; ///< then most blocks, up to /24, end in a root or in the first node
inline constexpr unsigned stride_bits = 6;
inline constexpr uint32_t map_limit = 1u << 24; ///< most locations, most places

/// Set in a root's entry that is the index of a place; clear where it is the index of a node.
inline constexpr uint32_t entry_is_place = 1u << 31;

/// Nodes on the longest way down.
constexpr unsigned trie_levels(unsigned width) {
  return (width - root_bits + stride_bits - 1) / stride_bits;
}

/// SHA-256 over `bytes` with its digest field taken as zero. Precondition: at least a header.
std::array<uint8_t, 32> map_digest(std::span<const std::byte> bytes);

} // namespace anytick::geo
