#pragma once

#include <cstdint>
#include <string_view>

#include "geo/prefix.h"

/// Numbers that are as good as drawn, but always the same for the same zone and address: who is taken first where
/// nothing else tells servers apart. A server's place in one zone says nothing of its place in another.
namespace anytick::selection {

/// The finalizer of splitmix64: each bit of the value changes half of the result's.
constexpr uint64_t mixed(uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

constexpr uint64_t name_rank(std::string_view name) {
  uint64_t rank = 0x9e3779b97f4a7c15;
  for (const char c : name) rank = mixed(rank + static_cast<unsigned char>(c));
  return rank;
}

inline uint64_t address_rank(const geo::Address& address) {
  return mixed(mixed(address.high() + static_cast<uint64_t>(address.family)) + address.low());
}

/// Of an address in a zone.
constexpr uint64_t rank_in(uint64_t zone, uint64_t address) {
  return mixed(zone ^ mixed(address));
}

} // namespace anytick::selection
