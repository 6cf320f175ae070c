#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/core/bytes.h"
#include "geo/prefix.h"

namespace anytick::bench {

inline constexpr size_t ethernet_bytes = 14, udp_bytes = 8;
inline constexpr uint16_t dns_port = 53, ntp_port = 123;

/// A UDP datagram where it lies in an Ethernet frame.
struct Datagram {
  std::span<const uint8_t> packet;  ///< IP header, UDP header and payload, without what pads the frame
  std::span<const uint8_t> payload; ///< of UDP
  bool ipv6;

  size_t address_bytes() const { return ipv6 ? 16 : 4; }
  std::span<const uint8_t> from() const { return packet.subspan(ipv6 ? 8 : 12, address_bytes()); }
  std::span<const uint8_t> to() const { return packet.subspan(ipv6 ? 24 : 16, address_bytes()); }
  uint16_t from_port() const { return core::load_big16(payload.data() - udp_bytes); }
  uint16_t to_port() const { return core::load_big16(payload.data() - udp_bytes + 2); }
};

/// An address in wire format.
inline geo::Address address_of(std::span<const uint8_t> wire) {
  return wire.size() == 4 ? geo::Address::ipv4(core::load_big32(&wire[0]))
                          : geo::Address::ipv6(core::load_big64(&wire[0]), core::load_big64(&wire[8]));
}
inline bool is_address(std::span<const uint8_t> wire, const geo::Address& address) {
  const uint8_t* const bytes = address.bytes.data();
  if (wire.size() == 4)
    return address.family == geo::Family::ipv4 && core::load<uint32_t>(&wire[0]) == core::load<uint32_t>(bytes);
  return address.family == geo::Family::ipv6 && core::load<uint64_t>(&wire[0]) == core::load<uint64_t>(bytes) &&
         core::load<uint64_t>(&wire[8]) == core::load<uint64_t>(bytes + 8);
}

/// None where the frame is not a whole one, over IPv4 without options or IPv6 without extension headers.
std::optional<Datagram> read_datagram(std::span<const uint8_t> frame);

/// What is wrong with its checksums, or nullptr. UDP over IPv4 may have none (RFC 768), over IPv6 not (RFC 8200 8.1).
const char* fault_of_sums(const Datagram& datagram);

} // namespace anytick::bench
