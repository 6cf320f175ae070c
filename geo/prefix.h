#pragma once

#include <array>
#include <compare>
#include <cstdint>
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
std::string to_text(const Address& address);
std::string to_text(const Prefix& prefix);

} // namespace anytick::geo
