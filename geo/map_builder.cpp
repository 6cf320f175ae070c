#include "geo/map_builder.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>

#include "geo/location_steps.h"
#include "geo/map.h"
#include "geo/trie_builder.h"

namespace anytick::geo {

namespace {

struct PlaceHash {
  size_t operator()(const Place& place) const {
    uint64_t lengths = 0;
    for (const uint8_t length : place.length) lengths = lengths << 8 | length;
    return mix(lengths, place.location);
  }
};
using Places = Interner<Place, PlaceHash>;

/// For each level, the steps around the current one that are the same at that level.
class LevelRuns {
 public:
  LevelRuns(const std::vector<Step>& steps, const Locations& locations) : steps_(steps), locations_(locations) {}

  /// To be called for each step in order.
  void advance_to(size_t step) {
    for (size_t level = 0; level < level_count; ++level) {
      if (step < end_[level]) continue;
      begin_[level] = step;
      end_[level] = step + 1;
      const Location& here = locations_[steps_[step].value];
      while (end_[level] < steps_.size() &&
             here.same_at(static_cast<Level>(level), locations_[steps_[end_[level]].value]))
        ++end_[level];
    }
  }

  uint8_t length_around(AddressKey key, size_t level) const {
    const AddressKey last = end_[level] < steps_.size() ? steps_[end_[level]].start - 1 : last_key;
    return static_cast<uint8_t>(widest_block(key, steps_[begin_[level]].start, last));
  }

 private:
  const std::vector<Step>& steps_;
  const Locations& locations_;
  std::array<size_t, level_count> begin_{};
  std::array<size_t, level_count> end_{};
};

/// Cuts each step into aligned blocks. Within one, the prefix lengths are the same: the widest block of a level
/// that holds one of its addresses holds all of them.
std::vector<PlaceBlock> blocks_of(const std::vector<Step>& steps, const Locations& locations, Places& places) {
  std::vector<PlaceBlock> blocks;
  blocks.reserve(steps.size() * 2);
  LevelRuns runs{steps, locations};
  for (size_t i = 0; i < steps.size(); ++i) {
    runs.advance_to(i);
    const AddressKey last = i + 1 < steps.size() ? steps[i + 1].start - 1 : last_key;
    for (AddressKey key = steps[i].start;; ++key) {
      Place place{.location = steps[i].value, .length = {}};
      for (size_t level = 0; level < level_count; ++level) place.length[level] = runs.length_around(key, level);
      blocks.push_back({key, places.index_of(place)});
      key = block_end(key, widest_block(key, steps[i].start, last));
      if (key == last) break;
    }
  }
  return blocks;
}

template <class T> std::vector<uint32_t> ranks(const std::vector<T>& values) {
  std::vector<uint32_t> order(values.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return values[a] < values[b]; });
  std::vector<uint32_t> rank(values.size());
  for (size_t i = 0; i < order.size(); ++i) rank[order[i]] = static_cast<uint32_t>(i);
  return rank;
}

/// Everything but the bytes.
struct Parts {
  std::vector<Location> locations;
  std::vector<Place> places;
  TrieSections ipv4;
  TrieSections ipv6;
};

/// The locations that some place has, sorted; the places name them by their new index.
std::vector<Location> settle_locations(std::vector<Place>& places, const Locations& interned) {
  constexpr uint32_t unused = std::numeric_limits<uint32_t>::max();
  std::vector<uint32_t> index(interned.values().size(), unused);
  std::vector<Location> used;
  for (const Place& place : places) {
    if (index[place.location] != unused) continue;
    index[place.location] = static_cast<uint32_t>(used.size());
    used.push_back(interned[place.location]);
  }
  const std::vector<uint32_t> rank = ranks(used);
  for (Place& place : places) place.location = rank[index[place.location]];
  std::sort(used.begin(), used.end());
  return used;
}

Parts build_parts(std::span<const Layer> layers) {
  Locations locations;
  Places interned;
  std::vector<PlaceBlock> ipv4 = blocks_of(merge_layers(layers, Family::ipv4, locations), locations, interned);
  std::vector<PlaceBlock> ipv6 = blocks_of(merge_layers(layers, Family::ipv6, locations), locations, interned);

  Parts parts;
  parts.places = interned.values();
  parts.locations = settle_locations(parts.places, locations);
  const std::vector<uint32_t> rank = ranks(parts.places);
  std::sort(parts.places.begin(), parts.places.end());
  if (parts.places.size() > map_limit) return parts;
  for (std::vector<PlaceBlock>* blocks : {&ipv4, &ipv6})
    for (PlaceBlock& block : *blocks) block.place = rank[block.place];
  parts.ipv4 = build_trie(ipv4);
  parts.ipv6 = build_trie(ipv6);
  return parts;
}

class Writer {
 public:
  explicit Writer(uint64_t created) : bytes_(sizeof(MapHeader)) {
    header_.magic = map_magic;
    header_.format = Map::format_version;
    header_.header_bytes = sizeof(MapHeader);
    header_.created = created;
  }

  template <class T> void add(MapSection which, const std::vector<T>& elements) {
    header_.sections[static_cast<size_t>(which)] = {bytes_.size(), elements.size()};
    const size_t begin = bytes_.size();
    bytes_.resize((begin + elements.size() * sizeof(T) + 7) / 8 * 8);
    for (size_t i = 0; i < elements.size(); ++i) put(elements[i], bytes_.data() + begin + i * sizeof(T));
  }

  std::vector<std::byte> finish() {
    header_.total_bytes = bytes_.size();
    std::memcpy(bytes_.data(), &header_, sizeof header_);
    const std::array<uint8_t, 32> digest = map_digest(bytes_);
    std::memcpy(bytes_.data() + offsetof(MapHeader, digest), digest.data(), digest.size());
    return std::move(bytes_);
  }

 private:
  template <class T> static void put(const T& element, std::byte* to) { std::memcpy(to, &element, sizeof element); }

  /// Field by field: the padding of a Location is not ours to copy, and is zero in the map.
  static void put(const Location& location, std::byte* to) {
    std::memcpy(to, location.country.data(), location.country.size());
    std::memcpy(to + offsetof(Location, region), location.region.data(), location.region.size());
    std::memcpy(to + offsetof(Location, continent), &location.continent, sizeof location.continent);
    std::memcpy(to + offsetof(Location, asn), &location.asn, sizeof location.asn);
  }

  MapHeader header_{};
  std::vector<std::byte> bytes_;
};

Refusal too_many(size_t count, const char* what) {
  return {"geo map", "", std::to_string(count) + " " + what + ", but at most " + std::to_string(map_limit)};
}

} // namespace

Result<std::vector<std::byte>> build_map(std::span<const Layer> layers, uint64_t created) {
  const Parts parts = build_parts(layers);
  if (parts.locations.size() > map_limit) return too_many(parts.locations.size(), "locations");
  if (parts.places.size() > map_limit) return too_many(parts.places.size(), "places");
  Writer writer{created};
  writer.add(MapSection::locations, parts.locations);
  writer.add(MapSection::places, parts.places);
  writer.add(MapSection::ipv4_roots, parts.ipv4.roots);
  writer.add(MapSection::ipv4_nodes, parts.ipv4.nodes);
  writer.add(MapSection::ipv4_leaves, parts.ipv4.leaves);
  writer.add(MapSection::ipv6_roots, parts.ipv6.roots);
  writer.add(MapSection::ipv6_nodes, parts.ipv6.nodes);
  writer.add(MapSection::ipv6_leaves, parts.ipv6.leaves);
  return writer.finish();
}

} // namespace anytick::geo
