#include <algorithm>
#include <optional>

#include "geo/map.h"

namespace anytick::geo {

namespace {

constexpr std::array<const char*, map_section_count> section_names{
    "locations", "places", "ipv4 roots", "ipv4 nodes", "ipv4 leaves", "ipv6 roots", "ipv6 nodes", "ipv6 leaves",
};
constexpr std::array<size_t, map_section_count> element_bytes{
    sizeof(Location), sizeof(Place),    sizeof(uint32_t), sizeof(TrieNode),
    sizeof(uint32_t), sizeof(uint32_t), sizeof(TrieNode), sizeof(uint32_t),
};

// The bytes are these objects.
static_assert(sizeof(MapHeader) == 192 && offsetof(MapHeader, digest) == 16 && sizeof(TrieNode) == 24);
static_assert(sizeof(Place) == 8 && sizeof(Location) == 12);
static_assert(offsetof(Location, region) == 2 && offsetof(Location, continent) == 5 && offsetof(Location, asn) == 8);
constexpr size_t location_padding = 6; // two bytes before the ASN

using Fault = std::optional<Refusal>;

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool country_is_well_formed(const Location& location) {
  const auto& country = location.country;
  return country == decltype(Location::country){} || (is_lower(country[0]) && is_lower(country[1]));
}

bool region_is_well_formed(const Location& location) {
  const auto& region = location.region;
  const auto end = std::find(region.begin(), region.end(), '\0');
  if (end == region.begin()) return region == decltype(Location::region){};
  return location.country[0] != 0 &&
         std::all_of(region.begin(), end, [](char c) { return is_lower(c) || is_digit(c); }) &&
         std::all_of(end, region.end(), [](char c) { return c == 0; });
}

const char* location_fault(const Location& location, const std::byte* bytes) {
  if (!country_is_well_formed(location)) return "country is not two lower-case letters";
  if (!region_is_well_formed(location)) return "region is not one to three lower-case letters or digits of a country";
  if (static_cast<size_t>(location.continent) >= continent_count) return "continent does not exist";
  if (bytes[location_padding] != std::byte{0} || bytes[location_padding + 1] != std::byte{0})
    return "padding is not zero";
  return nullptr;
}

uint8_t length_at(const Place& place, Level level) {
  return place.length[static_cast<size_t>(level)];
}

} // namespace

/// One pass over the whole map; the first fault ends it.
class MapValidator {
 public:
  explicit MapValidator(std::span<const std::byte> bytes) { map_.bytes_ = bytes; }

  Result<Map> run() {
    Fault fault = check_header();
    if (!fault) fault = check_sections();
    if (!fault) fault = check_gaps();
    if (!fault && map_digest(map_.bytes_) != map_.header().digest)
      fault = Refusal{"geo map: header", "offset 16", "digest does not fit the bytes"};
    if (!fault) fault = check_tables();
    if (!fault) fault = check_trie(MapSection::ipv4_roots, 32);
    if (!fault) fault = check_trie(MapSection::ipv6_roots, 128);
    if (fault) return *std::move(fault);
    map_.ipv4_ = trie_at(MapSection::ipv4_roots);
    map_.ipv6_ = trie_at(MapSection::ipv6_roots);
    return map_;
  }

 private:
  static MapSection after(MapSection which, uint32_t steps) {
    return static_cast<MapSection>(static_cast<uint32_t>(which) + steps);
  }

  Map::Trie trie_at(MapSection roots) const {
    return {map_.section<uint32_t>(roots).data(), map_.section<TrieNode>(after(roots, 1)).data(),
            map_.section<uint32_t>(after(roots, 2)).data()};
  }

  static Refusal header_fault(size_t offset, std::string reason) {
    return {"geo map: header", "offset " + std::to_string(offset), std::move(reason)};
  }

  /// A fault in element `index`, which must exist or be the section's end.
  Refusal element_fault(MapSection which, uint64_t index, std::string reason) const {
    const auto section = static_cast<size_t>(which);
    const uint64_t offset = map_.header().sections[section].offset + index * element_bytes[section];
    return {std::string{"geo map: "} + section_names[section], "offset " + std::to_string(offset), std::move(reason)};
  }

  Fault check_header() const {
    const std::span<const std::byte> bytes = map_.bytes_;
    if (reinterpret_cast<uintptr_t>(bytes.data()) % 8 != 0) return header_fault(0, "not aligned to 8 bytes in memory");
    if (bytes.size() < sizeof(MapHeader)) return header_fault(0, "shorter than a header");
    const MapHeader& header = map_.header();
    if (header.magic != map_magic) return header_fault(0, "no geo map (magic differs)");
    if (header.format != Map::format_version)
      return header_fault(offsetof(MapHeader, format), "format " + std::to_string(header.format) +
                                                           ", but this program reads format " +
                                                           std::to_string(Map::format_version));
    if (header.header_bytes != sizeof(MapHeader))
      return header_fault(offsetof(MapHeader, header_bytes), "header of another size");
    if (header.total_bytes != bytes.size())
      return header_fault(offsetof(MapHeader, total_bytes), "states " + std::to_string(header.total_bytes) +
                                                                " bytes, but there are " +
                                                                std::to_string(bytes.size()));
    return {};
  }

  Fault check_sections() const {
    const MapHeader& header = map_.header();
    uint64_t end = sizeof(MapHeader);
    for (size_t i = 0; i < map_section_count; ++i) {
      const MapSectionPlace& place = header.sections[i];
      const size_t at = offsetof(MapHeader, sections) + i * sizeof(MapSectionPlace);
      if (place.offset != end)
        return header_fault(at, std::string{section_names[i]} + " do not begin where they should");
      if (place.count > (header.total_bytes - place.offset) / element_bytes[i])
        return header_fault(at, std::string{section_names[i]} + " reach beyond the end");
      end = (place.offset + place.count * element_bytes[i] + 7) / 8 * 8;
      if (end > header.total_bytes) return header_fault(at, std::string{section_names[i]} + " reach beyond the end");
    }
    if (end != header.total_bytes)
      return header_fault(offsetof(MapHeader, total_bytes), "bytes after the last section");
    return {};
  }

  Fault check_gaps() const {
    const MapHeader& header = map_.header();
    for (size_t i = 0; i < map_section_count; ++i) {
      const MapSectionPlace& place = header.sections[i];
      const uint64_t end = place.offset + place.count * element_bytes[i];
      const auto gap = map_.bytes_.subspan(end, (8 - end % 8) % 8);
      if (std::any_of(gap.begin(), gap.end(), [](std::byte b) { return b != std::byte{0}; }))
        return element_fault(static_cast<MapSection>(i), place.count, "gap is not zero");
    }
    return {};
  }

  Fault check_tables() {
    map_.locations_ = map_.section<Location>(MapSection::locations);
    map_.places_ = map_.section<Place>(MapSection::places);
    if (Fault fault = check_locations()) return fault;
    return check_places();
  }

  Fault check_locations() const {
    const std::span<const Location> locations = map_.locations();
    if (locations.empty() || locations.size() > map_limit)
      return element_fault(MapSection::locations, 0, "none or too many locations");
    const auto* bytes = reinterpret_cast<const std::byte*>(locations.data());
    for (size_t i = 0; i < locations.size(); ++i) {
      if (const char* fault = location_fault(locations[i], bytes + i * sizeof(Location)))
        return element_fault(MapSection::locations, i, fault);
      if (i > 0 && locations[i] <= locations[i - 1])
        return element_fault(MapSection::locations, i, "not sorted or not distinct");
    }
    return {};
  }

  Fault check_places() const {
    const std::span<const Place> places = map_.places();
    if (places.empty() || places.size() > map_limit)
      return element_fault(MapSection::places, 0, "none or too many places");
    for (size_t i = 0; i < places.size(); ++i) {
      const Place& place = places[i];
      if (place.location >= map_.locations().size())
        return element_fault(MapSection::places, i, "location does not exist");
      if (*std::max_element(place.length.begin(), place.length.end()) > 128)
        return element_fault(MapSection::places, i, "prefix length above 128");
      if (length_at(place, Level::region) < length_at(place, Level::country))
        return element_fault(MapSection::places, i, "region is wider than its country");
      if (i > 0 && place <= places[i - 1]) return element_fault(MapSection::places, i, "not sorted or not distinct");
    }
    return {};
  }

  const char* place_fault(uint32_t place, unsigned width) const {
    if (place >= map_.places().size()) return "place does not exist";
    const auto& length = map_.places()[place].length;
    if (*std::max_element(length.begin(), length.end()) > width) return "place has a prefix longer than an address";
    return nullptr;
  }

  /// Counting in breadth-first order proves that every node has one parent, before it, and bounds the depth.
  Fault check_trie(MapSection first_section, unsigned width) const {
    const MapSection node_section = after(first_section, 1);
    uint64_t next_child = 0;
    if (Fault fault = check_roots(first_section, width, next_child)) return fault;

    const std::span<const TrieNode> nodes = map_.section<TrieNode>(node_section);
    const size_t leaf_count = map_.section<uint32_t>(after(first_section, 2)).size();
    if (nodes.size() >= entry_is_place) return element_fault(node_section, 0, "too many nodes");
    uint64_t next_leaf = 0;
    uint64_t level_end = next_child;
    unsigned level = 1;
    for (size_t i = 0; i < nodes.size(); ++i) {
      if (i == level_end) {
        if (next_child == level_end) return element_fault(node_section, i, "node without a parent");
        level_end = next_child;
        ++level;
      }
      const TrieNode& node = nodes[i];
      if (const char* fault = node_fault(node)) return element_fault(node_section, i, fault);
      if (level >= trie_levels(width) && node.children != 0)
        return element_fault(node_section, i, "deeper than an address");
      if (node.first_child != next_child || node.first_leaf != next_leaf)
        return element_fault(node_section, i, "children or leaves do not follow those of the node before");
      next_child += static_cast<unsigned>(std::popcount(node.children));
      next_leaf += static_cast<unsigned>(std::popcount(node.leaves));
    }
    if (next_child != nodes.size()) return element_fault(node_section, nodes.size(), "children missing");
    if (next_leaf != leaf_count)
      return element_fault(after(first_section, 2), leaf_count, "leaves missing or left over");
    return check_leaves(after(first_section, 2), width);
  }

  Fault check_roots(MapSection section, unsigned width, uint64_t& next_child) const {
    const std::span<const uint32_t> roots = map_.section<uint32_t>(section);
    if (roots.size() != size_t{1} << root_bits) return element_fault(section, 0, "table of another size");
    for (size_t i = 0; i < roots.size(); ++i) {
      if ((roots[i] & entry_is_place) != 0) {
        if (const char* fault = place_fault(roots[i] ^ entry_is_place, width)) return element_fault(section, i, fault);
      } else if (roots[i] != next_child++) {
        return element_fault(section, i, "node does not follow that of the entry before");
      }
    }
    return {};
  }

  static const char* node_fault(const TrieNode& node) {
    if ((node.children & node.leaves) != 0) return "slot is both child and leaf";
    const uint64_t leaf_slots = ~node.children;
    const uint64_t first_leaf_slot = leaf_slots & (~leaf_slots + 1);
    if ((node.leaves & first_leaf_slot) != first_leaf_slot) return "leaf slot before the first leaf";
    return nullptr;
  }

  Fault check_leaves(MapSection section, unsigned width) const {
    const std::span<const uint32_t> leaves = map_.section<uint32_t>(section);
    for (size_t i = 0; i < leaves.size(); ++i)
      if (const char* fault = place_fault(leaves[i], width)) return element_fault(section, i, fault);
    return {};
  }

  Map map_;
};

Result<Map> Map::validate(std::span<const std::byte> bytes) {
  return MapValidator{bytes}.run();
}

} // namespace anytick::geo
