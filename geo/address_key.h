#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "geo/prefix.h"

namespace anytick::geo {

/// An address of either family, left-aligned in 128 bits, so that one arithmetic of ranges serves both.
__extension__ typedef unsigned __int128 AddressKey;

inline constexpr AddressKey last_key = ~AddressKey{0};

inline AddressKey key_of(const Address& address) {
  return AddressKey{address.high()} << 64 | address.low();
}

inline Address address_at(AddressKey key, Family family) {
  const auto high = static_cast<uint64_t>(key >> 64);
  if (family == Family::ipv4) return Address::ipv4(static_cast<uint32_t>(high >> 32));
  return Address::ipv6(high, static_cast<uint64_t>(key));
}

/// The last key of the block of `length` bits around `key`.
inline AddressKey block_end(AddressKey key, unsigned length) {
  return length >= 128 ? key : key | last_key >> length;
}

/// Bits that two different keys have in common from the left.
inline unsigned common_bits(AddressKey a, AddressKey b) {
  const AddressKey difference = a ^ b;
  const auto high = static_cast<uint64_t>(difference >> 64);
  const int zeros = high != 0 ? std::countl_zero(high) : 64 + std::countl_zero(static_cast<uint64_t>(difference));
  return static_cast<unsigned>(zeros);
}

/// The length of the widest block around `key` that lies within [first, last]; `key` is in it.
/// A block is contiguous, so it is inside exactly when it holds neither neighbour of the range.
inline unsigned widest_block(AddressKey key, AddressKey first, AddressKey last) {
  const unsigned above = first == 0 ? 0 : common_bits(key, first - 1) + 1;
  const unsigned below = last == last_key ? 0 : common_bits(key, last + 1) + 1;
  return std::max(above, below);
}

} // namespace anytick::geo
