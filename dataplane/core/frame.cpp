#include "dataplane/core/frame.h"

#include <algorithm>
#include <array>
#include <bit>

#include "dataplane/core/bytes.h"
#include "dataplane/core/checksum.h"

namespace anytick::core {
namespace {

constexpr uint16_t ethertype_ipv4 = 0x0800;
constexpr uint16_t ethertype_ipv6 = 0x86dd;
constexpr uint16_t ethertype_vlan = 0x8100;
constexpr uint16_t ethertype_service_vlan = 0x88a8;
constexpr uint32_t ethernet_bytes = 14;
constexpr uint32_t vlan_bytes = 4;
constexpr uint8_t group_bit = 1; // of a MAC address's first byte: multicast and broadcast
constexpr uint32_t ipv4_bytes = 20;
constexpr uint32_t ipv6_bytes = 40;
constexpr uint32_t udp_bytes = 8;
constexpr uint8_t protocol_udp = 17;
constexpr uint8_t reply_ttl = 64;

constexpr Counter ours = Counter::count_;

/// Neither ::, ::1 nor multicast.
bool is_unicast_ipv6(const uint8_t* address) {
  const uint64_t high = load_big64(address);
  const uint64_t low = load_big64(address + 8);
  return address[0] != 0xff && (high != 0 || low > 1);
}

uint64_t pseudo_header_sum(uint64_t addresses, uint32_t udp_length) {
  return addresses + big16(static_cast<uint16_t>(udp_length)) + big16(protocol_udp);
}

Counter parse_ipv4(const Frame& frame, const Ingress& ingress, Datagram& datagram, uint32_t& l3_payload) {
  const uint32_t available = frame.length - datagram.l2_length;
  const uint8_t* ip = frame.data + datagram.l2_length;
  if (available < ipv4_bytes || ip[0] >> 4 != 4) return Counter::drop_ip_header;
  const uint32_t header = (ip[0] & 0xfu) * 4;
  const uint32_t total = load_big16(ip + 2);
  if (header < ipv4_bytes || total < header || total > available) return Counter::drop_ip_header;
  if (header > ipv4_bytes) return Counter::punted;
  if (frame.ip_checksum == Checksum::bad ||
      (frame.ip_checksum == Checksum::unknown && fold_sum(sum_bytes<ipv4_bytes>(ip)) != 0xffff))
    return Counter::drop_ip_checksum;
  const uint32_t source = load<uint32_t>(ip + 12);
  const uint32_t destination = load<uint32_t>(ip + 16);
  if (std::ranges::none_of(ingress.ipv4, [&](uint32_t mine) { return mine == destination; })) return Counter::punted;
  if ((load_big16(ip + 6) & 0x3fff) != 0 || ip[9] != protocol_udp) return Counter::punted;
  datagram.l3_length = ipv4_bytes;
  datagram.source = geo::Address::ipv4(big32(source));
  datagram.address_sum = uint64_t{source} + destination;
  l3_payload = total - ipv4_bytes;
  return ours;
}

Counter parse_ipv6(const Frame& frame, const Ingress& ingress, Datagram& datagram, uint32_t& l3_payload) {
  const uint32_t available = frame.length - datagram.l2_length;
  const uint8_t* ip = frame.data + datagram.l2_length;
  if (available < ipv6_bytes || ip[0] >> 4 != 6) return Counter::drop_ip_header;
  l3_payload = load_big16(ip + 4);
  if (l3_payload > available - ipv6_bytes) return Counter::drop_ip_header;
  const auto is_destination = [&](const auto& address) { return std::memcmp(address.data(), ip + 24, 16) == 0; };
  if (std::none_of(ingress.ipv6.begin(), ingress.ipv6.end(), is_destination)) return Counter::punted;
  if (ip[6] != protocol_udp) return Counter::punted; // extension headers and fragments among them
  datagram.l3_length = ipv6_bytes;
  datagram.source = geo::Address::ipv6(load_big64(ip + 8), load_big64(ip + 16));
  datagram.address_sum = sum_words<8>(ip + 8);
  return ours;
}

/// A source that a reply can go to: one host, and not we.
bool is_good_source(const uint8_t* ip, const Datagram& datagram) {
  if (datagram.l3_length == ipv6_bytes) return is_unicast_ipv6(ip + 8) && std::memcmp(ip + 8, ip + 24, 16) != 0;
  const uint32_t source = load<uint32_t>(ip + 12);
  return is_unicast_ipv4(source) && source != load<uint32_t>(ip + 16);
}

/// Whether the checksum is good, or none. Sets payload_sum.
bool check_udp(const Frame& frame, const Ingress& ingress, Datagram& datagram) {
  const uint8_t* udp = frame.data + datagram.l2_length + datagram.l3_length;
  const uint32_t length = udp_bytes + datagram.payload_length;
  // A device that verifies and sums up for us leaves nothing to do.
  const bool unknown = frame.udp_checksum == Checksum::unknown;
  datagram.payload_sum = unknown || !ingress.tx_udp_checksum ? sum_bytes(udp + udp_bytes, datagram.payload_length) : 0;
  // RFC 768: zero means none was computed; RFC 8200 8.1 forbids that for IPv6.
  if (load<uint16_t>(udp + 6) == 0) return datagram.l3_length == ipv4_bytes;
  if (!unknown) return frame.udp_checksum == Checksum::good;
  const uint64_t headers = pseudo_header_sum(datagram.address_sum, length) + sum_words<2>(udp);
  return fold_sum(add_word(headers, datagram.payload_sum)) == 0xffff;
}

Counter parse_udp(const Frame& frame, const Ingress& ingress, Datagram& datagram, uint32_t l3_payload) {
  if (l3_payload < udp_bytes) return Counter::drop_udp_header;
  const uint8_t* udp = frame.data + datagram.l2_length + datagram.l3_length;
  const uint32_t length = load_big16(udp + 4);
  if (length < udp_bytes || length > l3_payload) return Counter::drop_udp_header;
  datagram.source_port = load_big16(udp);
  const uint16_t destination_port = load_big16(udp + 2);
  if (datagram.source_port == 0 || destination_port == 0) return Counter::drop_port;
  datagram.service = destination_port == port_ntp ? Service::ntp : Service::dns;
  if (destination_port != port_dns && (destination_port != port_ntp || !ingress.ntp)) return Counter::punted;
  if (!is_good_source(frame.data + datagram.l2_length, datagram)) return Counter::drop_bad_source;
  if (const Counter reason = check_source_port(datagram.service, datagram.source_port); reason != ours) return reason;
  datagram.payload_length = static_cast<uint16_t>(length - udp_bytes);
  return check_udp(frame, ingress, datagram) ? ours : Counter::drop_udp_checksum;
}

/// Sums are made of what is written, not read back: a load of bytes that several stores have just left waits for them.
void turn_ipv4(uint8_t* ip, uint64_t addresses, bool device_sums, uint32_t payload) {
  const uint16_t version_and_tos = big16(0x4500), total = big16(static_cast<uint16_t>(ipv4_bytes + payload)),
                 dont_fragment = big16(0x4000), ttl_and_protocol = reply_ttl | protocol_udp << 8;
  const uint64_t sum = addresses + version_and_tos + total + dont_fragment + ttl_and_protocol;
  const uint16_t checksum = device_sums ? uint16_t{0} : static_cast<uint16_t>(~fold_sum(sum));
  store<uint64_t>(ip, version_and_tos | uint64_t{total} << 16 | uint64_t{dont_fragment} << 48);
  store<uint32_t>(ip + 8, ttl_and_protocol | uint32_t{checksum} << 16);
  store(ip + 12, std::rotl(load<uint64_t>(ip + 12), 32));
}

void turn_ipv6(uint8_t* ip, uint32_t payload) {
  store<uint64_t>(ip, uint64_t{0x60} | uint64_t{big16(static_cast<uint16_t>(payload))} << 32 |
                          uint64_t{protocol_udp} << 48 | uint64_t{reply_ttl} << 56);
  const auto source = load<std::array<uint64_t, 2>>(ip + 8);
  std::memcpy(ip + 8, ip + 24, 16);
  store(ip + 24, source);
}

} // namespace

Counter parse_frame(const Frame& frame, const Ingress& ingress, Datagram& datagram) {
  if (frame.length < ethernet_bytes) return Counter::drop_runt;
  if (std::memcmp(frame.data, ingress.mac.data(), ingress.mac.size()) != 0)
    return (frame.data[0] & group_bit) != 0 ? Counter::punted : Counter::drop_not_our_mac;
  if (frame.segmented) return Counter::punted;
  uint32_t l2 = ethernet_bytes;
  uint16_t ethertype = load_big16(frame.data + 12);
  for (int tags = 0; tags < 2 && (ethertype == ethertype_vlan || ethertype == ethertype_service_vlan); ++tags) {
    if (frame.length < l2 + vlan_bytes) return Counter::drop_runt;
    ethertype = load_big16(frame.data + l2 + 2);
    l2 += vlan_bytes;
  }
  datagram.l2_length = static_cast<uint8_t>(l2);
  uint32_t l3_payload = 0;
  Counter reason = Counter::punted;
  if (ethertype == ethertype_ipv4) reason = parse_ipv4(frame, ingress, datagram, l3_payload);
  if (ethertype == ethertype_ipv6) reason = parse_ipv6(frame, ingress, datagram, l3_payload);
  return reason == ours ? parse_udp(frame, ingress, datagram, l3_payload) : reason;
}

void turn_around(Frame& frame, const Ingress& ingress, const Datagram& datagram, uint16_t payload_length,
                 uint64_t payload_sum) {
  uint8_t* ip = frame.data + datagram.l2_length;
  uint8_t* udp = ip + datagram.l3_length;
  const uint32_t udp_length = udp_bytes + payload_length;
  std::memcpy(frame.data, ingress.next_hop ? ingress.next_hop->data() : frame.data + 6, 6);
  std::memcpy(frame.data + 6, ingress.mac.data(), 6);
  if (datagram.l3_length == ipv6_bytes) {
    turn_ipv6(ip, udp_length);
  } else {
    turn_ipv4(ip, datagram.address_sum, ingress.tx_ip_checksum, udp_length);
  }
  const uint32_t ports = std::rotl(load<uint32_t>(udp), 16);
  const uint16_t length = big16(static_cast<uint16_t>(udp_length));
  const uint64_t pseudo = pseudo_header_sum(datagram.address_sum, udp_length);
  const uint16_t checksum =
      ingress.tx_udp_checksum ? fold_sum(pseudo) : udp_checksum(add_word(payload_sum, pseudo + ports + length));
  store<uint64_t>(udp, ports | uint64_t{length} << 32 | uint64_t{checksum} << 48);
  frame.length = datagram.payload_at() + payload_length;
  frame.l2_length = datagram.l2_length;
  frame.l3_length = datagram.l3_length;
}

} // namespace anytick::core
