#include "dataplane/io/punt_class.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <rte_ether.h>

#include "dataplane/core/bytes.h"

namespace anytick::io {
namespace {

constexpr size_t addresses_bytes = 12;
constexpr size_t tag_bytes = 4;
constexpr size_t ipv4_bytes = 20;
constexpr size_t ipv6_bytes = 40;
constexpr uint16_t bgp_port = 179;
constexpr uint8_t mld_report = 143; // RFC 3810 5.2

PuntClass class_of_tcp(std::span<const uint8_t> tcp) {
  if (tcp.size() < 4) return PuntClass::other;
  const bool bgp = core::load_big16(tcp.data()) == bgp_port || core::load_big16(tcp.data() + 2) == bgp_port;
  return bgp ? PuntClass::network : PuntClass::other;
}

/// BFD: one hop, its echo, several hops (RFC 5881 4, 5883 5).
PuntClass class_of_udp(std::span<const uint8_t> udp) {
  if (udp.size() < 4) return PuntClass::other;
  const uint16_t port = core::load_big16(udp.data() + 2);
  return port == 3784 || port == 3785 || port == 4784 ? PuntClass::network : PuntClass::other;
}

PuntClass class_of_icmp6(std::span<const uint8_t> icmp) {
  const unsigned type = icmp.empty() ? 0 : icmp[0];
  const bool discovery = type >= MLD_LISTENER_QUERY && type <= ND_REDIRECT;
  return discovery || type == mld_report ? PuntClass::network : PuntClass::icmp;
}

PuntClass class_of(uint8_t protocol, std::span<const uint8_t> payload) {
  switch (protocol) {
  case IPPROTO_ICMP:
    return PuntClass::icmp;
  case IPPROTO_ICMPV6:
    return class_of_icmp6(payload);
  case IPPROTO_TCP:
    return class_of_tcp(payload);
  case IPPROTO_UDP:
    return class_of_udp(payload);
  default:
    return PuntClass::other;
  }
}

} // namespace

PuntClass punt_class(std::span<const uint8_t> frame) {
  size_t at = addresses_bytes;
  uint16_t ethertype = 0;
  for (int tags = 0; tags <= 2 && frame.size() >= at + 2; ++tags, at += tag_bytes) {
    ethertype = core::load_big16(frame.data() + at);
    if (ethertype != RTE_ETHER_TYPE_VLAN && ethertype != RTE_ETHER_TYPE_QINQ) break;
  }
  at += sizeof ethertype;
  if (ethertype == RTE_ETHER_TYPE_ARP) return PuntClass::network;
  if (ethertype == RTE_ETHER_TYPE_IPV4 && frame.size() >= at + ipv4_bytes) {
    const size_t header = size_t{frame[at] & 0xfu} * 4;
    const bool first_fragment = (core::load_big16(&frame[at + 6]) & 0x1fff) == 0;
    if (header < ipv4_bytes || frame.size() < at + header || !first_fragment) return PuntClass::other;
    return class_of(frame[at + 9], frame.subspan(at + header));
  }
  if (ethertype == RTE_ETHER_TYPE_IPV6 && frame.size() >= at + ipv6_bytes) {
    // Listener reports stand behind a hop-by-hop header (RFC 3810 5).
    const bool hop_by_hop = frame[at + 6] == IPPROTO_HOPOPTS && frame.size() >= at + ipv6_bytes + 8;
    if (hop_by_hop && frame[at + ipv6_bytes + 1] == 0)
      return class_of(frame[at + ipv6_bytes], frame.subspan(at + ipv6_bytes + 8));
    return class_of(frame[at + 6], frame.subspan(at + ipv6_bytes));
  }
  return PuntClass::other;
}

} // namespace anytick::io
