#include "geo/prefix.h"

#include <arpa/inet.h>

#include <cassert>
#include <cstring>

#include "geo/text.h"

namespace anytick::geo {

namespace {

/// Digits only, no leading zero.
std::optional<unsigned> parse_length(std::string_view text, unsigned most) {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return {};
  const auto value = number_of<unsigned>(text);
  return value && *value <= most ? value : std::nullopt;
}

} // namespace

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

std::optional<Prefix> parse_network(std::string_view text) {
  if (const auto address = parse_address(text)) return prefix_of(*address, address->width());
  return parse_prefix(text);
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
