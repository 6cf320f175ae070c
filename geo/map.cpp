#include "geo/map.h"

#include <cassert>

#include "geo/table_digest.h"

namespace anytick::geo {

std::array<uint8_t, 32> map_digest(std::span<const std::byte> bytes) {
  assert(bytes.size() >= sizeof(MapHeader));
  return table_digest(bytes, offsetof(MapHeader, digest));
}

uint32_t Map::find(const Address& address) const {
  return address.family == Family::ipv4 ? find_ipv4(address.to_ipv4()) : find_ipv6(address.high(), address.low());
}

void Map::find_ipv4(std::span<const uint32_t> addresses, std::span<uint32_t> places) const {
  assert(addresses.size() == places.size());
  // The lookups are independent, so the processor overlaps them by itself (measured: faster than stages over a group);
  // it only cannot see far enough ahead to hide a root that fell out of the caches.
  constexpr size_t ahead = 8;
  for (size_t i = 0; i < addresses.size(); ++i) {
    if (i + ahead < addresses.size()) prefetch_ipv4(addresses[i + ahead]);
    places[i] = find_ipv4(addresses[i]);
  }
}

uint64_t Map::created() const {
  return header().created;
}

std::array<uint8_t, 32> Map::digest() const {
  return header().digest;
}

std::span<const std::byte> Map::bytes() const {
  return bytes_;
}

} // namespace anytick::geo
