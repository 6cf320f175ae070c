#include "geo/prefix.h"

#include <arpa/inet.h>

#include <cassert>
#include <charconv>
#include <cstring>

namespace anytick::geo {

namespace {

uint64_t load_be64(const uint8_t* bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < 8; ++i) value = value << 8 | bytes[i];
  return value;
}

void store_be64(uint64_t value, uint8_t* bytes) {
  for (size_t i = 8; i-- > 0; value >>= 8) bytes[i] = static_cast<uint8_t>(value);
}

/// Digits only, no leading zero.
std::optional<unsigned> parse_length(std::string_view text, unsigned most) {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return {};
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > most) return {};
  return value;
}

} // namespace

Address Address::ipv4(uint32_t host_order) {
  Address address;
  for (size_t i = 4; i-- > 0; host_order >>= 8) address.bytes[i] = static_cast<uint8_t>(host_order);
  return address;
}

Address Address::ipv6(uint64_t high, uint64_t low) {
  Address address{.family = Family::ipv6};
  store_be64(high, address.bytes.data());
  store_be64(low, address.bytes.data() + 8);
  return address;
}

uint32_t Address::to_ipv4() const {
  assert(family == Family::ipv4);
  return static_cast<uint32_t>(high() >> 32);
}

uint64_t Address::high() const {
  return load_be64(bytes.data());
}

uint64_t Address::low() const {
  return load_be64(bytes.data() + 8);
}

bool Prefix::contains(const Address& other) const {
  return other.family == address.family && prefix_of(other, length).address == address;
}

Prefix prefix_of(const Address& address, unsigned length) {
  assert(length <= address.width());
  Prefix prefix{.address = address, .length = static_cast<uint8_t>(length)};
  for (size_t i = 0; i < prefix.address.bytes.size(); ++i) {
    const unsigned before = static_cast<unsigned>(i) * 8;
    const unsigned kept = length <= before ? 0 : length - before >= 8 ? 8 : length - before;
    prefix.address.bytes[i] &= static_cast<uint8_t>(0xff00u >> kept);
  }
  return prefix;
}

std::optional<Address> parse_address(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.size() >= terminated.size() || text.find('\0') != text.npos) return {};
  std::memcpy(terminated.data(), text.data(), text.size());
  const bool ipv6 = text.find(':') != text.npos;
  Address address{.family = ipv6 ? Family::ipv6 : Family::ipv4};
  if (inet_pton(ipv6 ? AF_INET6 : AF_INET, terminated.data(), address.bytes.data()) != 1) return {};
  return address;
}

std::optional<Prefix> parse_prefix(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == text.npos) return {};
  const std::optional<Address> address = parse_address(text.substr(0, slash));
  if (!address) return {};
  const std::optional<unsigned> length = parse_length(text.substr(slash + 1), address->width());
  if (!length) return {};
  const Prefix prefix = prefix_of(*address, *length);
  if (prefix.address != *address) return {};
  return prefix;
}

std::string to_text(const Address& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(address.family == Family::ipv6 ? AF_INET6 : AF_INET, address.bytes.data(), text.data(), text.size());
  return text.data();
}

std::string to_text(const Prefix& prefix) {
  return to_text(prefix.address) + "/" + std::to_string(prefix.length);
}

} // namespace anytick::geo
