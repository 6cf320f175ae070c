#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/core/bytes.h"
#include "dataplane/core/checksum.h"
#include "dataplane/core/path.h"

/// Ethernet II, up to two VLAN tags (IEEE 802.1Q, 802.1ad), IPv4 (RFC 791), IPv6 (RFC 8200), UDP (RFC 768).
namespace anytick::core {

constexpr uint16_t port_dns = 53;
constexpr uint16_t port_ntp = 123;
/// What is answered here; all other UDP ports are the kernel's.
enum class Service : uint8_t { dns, ntp };

/// Where things are in a frame that carries a datagram to a service of ours.
struct Datagram {
  uint8_t l2_length;
  uint8_t l3_length; ///< 20: IPv4, 40: IPv6
  Service service;
  uint16_t source_port;
  uint16_t payload_length;
  geo::Address source;
  uint64_t address_sum; ///< of both addresses (checksum.h)
  uint64_t payload_sum; ///< of the payload as received: a reply that keeps some of it need not sum it up again

  uint32_t payload_at() const { return l2_length + l3_length + 8u; }
};

/// Counter::count_ where a datagram from this port may be answered, else why it is dropped.
inline Counter check_source_port(Service service, uint16_t port) {
  if (port > port_ntp) return Counter::count_;
  if (port == 0) return Counter::drop_port;
  // A reply to another request-reply service would be answered by it: a loop (echo, qotd, chargen, NTP and DNS). NTP
  // itself tells requests from replies, and ntpd asks from its own port.
  const uint16_t other = service == Service::dns ? port_ntp : port_dns;
  const bool loops = port == 7 || port == 17 || port == 19 || port == other;
  return loops ? Counter::drop_cross_service : Counter::count_;
}

/// Whether a source (network order) is one host, that a reply can go to.
inline bool is_unicast_ipv4(uint32_t address) {
  const unsigned first = address & 0xff;
  return first != 0 && first != 127 && first < 224;
}

/// Counter::count_ where the frame is a datagram to a service at a service address; Counter::punted where it is another
/// that the kernel may want: not to a service address, another protocol or port, not of one piece (fragments,
/// segments), with IPv4 options or IPv6 extension headers, or to more stations than us. Else why it is dropped. Reads
/// nothing outside the frame.
Counter parse_frame(const Frame& frame, const Ingress& ingress, Datagram& datagram);

/// Makes the frame a reply of `payload_length` bytes that sum up to `payload_sum`: addresses and ports swapped, lengths
/// and checksums set, TTL or hop limit 64, DSCP and ECN 0, and for IPv4 DF with id 0 (an atomic datagram, RFC 6864
/// 4.1). VLAN tags stay. It goes to the station that it came from, or to the ingress's next hop.
void turn_around(Frame& frame, const Ingress& ingress, const Datagram& datagram, uint16_t payload_length,
                 uint64_t payload_sum);

/// The UDP checksum of what sums up to `sum`.
inline uint16_t udp_checksum(uint64_t sum) {
  const auto checksum = static_cast<uint16_t>(~fold_sum(sum));
  return checksum != 0 ? checksum : uint16_t{0xffff}; // RFC 768: a computed zero is sent as all ones
}

/// Counts the bytes from `from` to `end` of a reply's payload into its UDP checksum, which was made when they were
/// zero. Precondition: `from` is even.
inline void sum_up(uint8_t* payload, size_t from, size_t end) {
  uint8_t* const checksum_at = payload - 2;
  const auto before = static_cast<uint16_t>(~load<uint16_t>(checksum_at));
  store(checksum_at, udp_checksum(add_word(sum_bytes(payload + from, end - from), before)));
}

} // namespace anytick::core
