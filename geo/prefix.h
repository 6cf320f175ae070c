#pragma once

#include <array>
#include <bit>
#include <cassert>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace anytick::geo {

enum class Family : uint8_t { ipv4 = 4, ipv6 = 6 };

/// An IP address in network byte order. IPv4 uses the first 4 bytes; the others are zero.
struct Address {
  Family family = Family::ipv4;
  std::array<uint8_t, 16> bytes{};

  unsigned width() const { return family == Family::ipv4 ? 32 : 128; } ///< in bits

  static Address ipv4(uint32_t host_order);
  /// High and low 64 bits, host order.
  static Address ipv6(uint64_t high, uint64_t low);
  uint32_t to_ipv4() const; ///< host order; precondition: family == ipv4
  uint64_t high() const;    ///< first 8 bytes, host order
  uint64_t low() const;     ///< last 8 bytes, host order

  auto operator<=>(const Address&) const = default;
};

// In the header because the packet path calls them for every query. Our machines are little-endian, addresses are not.
static_assert(std::endian::native == std::endian::little);

inline Address Address::ipv4(uint32_t host_order) {
  Address address;
  const uint32_t wire = __builtin_bswap32(host_order);
  std::memcpy(address.bytes.data(), &wire, sizeof wire);
  return address;
}

inline Address Address::ipv6(uint64_t high, uint64_t low) {
  Address address{.family = Family::ipv6};
  const std::array<uint64_t, 2> wire{__builtin_bswap64(high), __builtin_bswap64(low)};
  std::memcpy(address.bytes.data(), wire.data(), sizeof wire);
  return address;
}

inline uint64_t Address::high() const {
  uint64_t wire;
  std::memcpy(&wire, bytes.data(), sizeof wire);
  return __builtin_bswap64(wire);
}

inline uint64_t Address::low() const {
  uint64_t wire;
  std::memcpy(&wire, bytes.data() + 8, sizeof wire);
  return __builtin_bswap64(wire);
}

inline uint32_t Address::to_ipv4() const {
  assert(family == Family::ipv4);
  return static_cast<uint32_t>(high() >> 32);
}

/// IPv4 that an IPv6 socket tells as IPv6 (::ffff:192.0.2.1, RFC 4291 section 2.5.5.2) is IPv4; all else is as it was.
inline Address unmapped(const Address& address) {
  const bool mapped = address.family == Family::ipv6 && address.high() == 0 && address.low() >> 32 == 0xffff;
  return mapped ? Address::ipv4(static_cast<uint32_t>(address.low())) : address;
}

/// An address block; bits beyond `length` are zero.
struct Prefix {
  Address address;
  uint8_t length = 0; ///< 0..32 or 0..128

  bool contains(const Address& other) const;
  auto operator<=>(const Prefix&) const = default;
};

/// The address with all bits beyond `length` cleared, as a prefix. Precondition: length <= width.
Prefix prefix_of(const Address& address, unsigned length);

/// Presentation forms. Empty where the text is no address; a prefix with bits set beyond its length is none either.
std::optional<Address> parse_address(std::string_view text);
std::optional<Prefix> parse_prefix(std::string_view text);
/// A prefix, or an address as the prefix of its full length.
std::optional<Prefix> parse_network(std::string_view text);
std::string to_text(const Address& address);
std::string to_text(const Prefix& prefix);

} // namespace anytick::geo
