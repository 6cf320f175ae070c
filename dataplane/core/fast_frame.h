#pragma once

#include <bit>
#include <cstdint>

#include "dataplane/core/bytes.h"
#include "dataplane/core/checksum.h"
#include "dataplane/core/frame.h"

/// The frames that nearly all are, by few comparisons: untagged IPv4 to our first address, without options and in one
/// piece, with right checksums. What they are not is parse_frame()'s to tell.
namespace anytick::core {

/// What these frames are compared with and turned around by.
struct FastIngress {
  uint64_t station;     ///< our MAC address in the upper 48 bits, as loaded from a frame; what none has without IPv4
  uint64_t next_hop;    ///< in the lower 48 bits; 0: where it came from
  uint32_t destination; ///< network order
  bool ntp;
  bool sum_ip, sum_udp; ///< not left to the device

  explicit FastIngress(const Ingress& ingress)
      : station(word_of(ingress.mac) << 16 | (ingress.ipv4.empty() ? 1 : 0)),
        next_hop(ingress.next_hop ? word_of(*ingress.next_hop) : 0),
        destination(ingress.ipv4.empty() ? 0 : ingress.ipv4[0]), ntp(ingress.ntp), sum_ip(!ingress.tx_ip_checksum),
        sum_udp(!ingress.tx_udp_checksum) {}

 private:
  static uint64_t word_of(const Mac& mac) {
    return load<uint32_t>(mac.data()) | uint64_t{load<uint16_t>(&mac[4])} << 32;
  }
};

/// True where parse_frame() would find a datagram to be answered; `datagram` is what it would be there.
/// False says nothing.
inline bool parse_fast_frame(const Frame& frame, const FastIngress& ingress, Datagram& datagram) {
  constexpr uint32_t ip_at = 14, udp_at = ip_at + 20, payload_at = udp_at + 8;
  if (frame.length < payload_at || frame.segmented) return false;
  const uint8_t* const data = frame.data;
  const uint8_t* const ip = data + ip_at;
  const uint8_t* const udp = data + udp_at;
  const uint64_t other_station = (load<uint64_t>(data) << 16) ^ ingress.station;
  const uint32_t other_header = (load<uint32_t>(data + 12) ^ 0x00450008) & 0x00ffffff; // ethertype, version, length
  const uint32_t other_piece = (load<uint32_t>(ip + 6) ^ 0x11000000) & 0xff00ff3f;     // fragment, protocol
  const uint32_t source = load<uint32_t>(ip + 12), destination = load<uint32_t>(ip + 16);
  if ((other_station | other_header | other_piece | (destination ^ ingress.destination)) != 0) return false;

  const uint32_t total = load_big16(ip + 2), length = load_big16(udp + 4);
  if (total > frame.length - ip_at || length < 8 || length + 20 > total) return false;
  const uint16_t to = load<uint16_t>(udp + 2);
  const Service service = to == big16(port_ntp) ? Service::ntp : Service::dns;
  if (to != big16(port_dns) && (service == Service::dns || !ingress.ntp)) return false;
  const uint16_t from = load_big16(udp);
  if (check_source_port(service, from) != Counter::count_) return false;
  if (!is_unicast_ipv4(source) || source == destination) return false;

  const bool verified = frame.ip_checksum == Checksum::good;
  if (!verified && (frame.ip_checksum == Checksum::bad || fold_sum(sum_bytes<20>(ip)) != 0xffff)) return false;
  datagram.address_sum = uint64_t{source} + destination;
  const bool is_short = length - 8 <= sum_short_max && frame.room >= payload_at + sum_short_max;
  datagram.payload_sum = is_short ? sum_short(udp + 8, length - 8) : sum_bytes(udp + 8, length - 8);
  const uint64_t head = datagram.address_sum + sum_words<2>(udp) + big16(static_cast<uint16_t>(length)) + big16(17);
  if (frame.udp_checksum == Checksum::bad) return false;
  if (frame.udp_checksum != Checksum::good && fold_sum(add_word(datagram.payload_sum, head)) != 0xffff &&
      load<uint16_t>(udp + 6) != 0) // which says that none was made, as some generators do
    return false;

  datagram.l2_length = ip_at;
  datagram.l3_length = 20;
  datagram.service = service;
  datagram.source_port = from;
  datagram.payload_length = static_cast<uint16_t>(length - 8);
  datagram.source.family = geo::Family::ipv4;
  store(&datagram.source.bytes[0], uint64_t{source});
  store(&datagram.source.bytes[8], uint64_t{0});
  return true;
}

/// turn_around() of such a frame.
inline void turn_fast_frame(Frame& frame, const FastIngress& ingress, const Datagram& datagram, uint32_t payload_length,
                            uint64_t payload_sum) {
  constexpr uint32_t ip_at = 14, udp_at = ip_at + 20, payload_at = udp_at + 8;
  uint8_t* const data = frame.data;
  uint8_t* const ip = data + ip_at;
  const uint64_t to = ingress.next_hop != 0 ? ingress.next_hop : load<uint64_t>(data + 4) >> 16;
  store(data, to | ingress.station << 32);
  store(data + 8, static_cast<uint32_t>(ingress.station >> 32));

  constexpr uint64_t version_and_fragment = 0x0040000000000045, ttl_and_protocol = 0x1140;
  constexpr uint64_t header_sum = 0x45 + 0x0040 + ttl_and_protocol;
  const uint16_t length = big16(static_cast<uint16_t>(8 + payload_length));
  const uint16_t total = big16(static_cast<uint16_t>(28 + payload_length));
  const auto ip_sum = static_cast<uint16_t>(~fold_sum(datagram.address_sum + header_sum + total));
  store(ip, version_and_fragment | uint64_t{total} << 16);
  store(ip + 8, static_cast<uint32_t>(ttl_and_protocol | (ingress.sum_ip ? uint32_t{ip_sum} << 16 : 0)));
  store(ip + 12, std::rotl(load<uint64_t>(ip + 12), 32));

  const uint64_t pseudo = datagram.address_sum + length + big16(17);
  const uint32_t ports = std::rotl(load<uint32_t>(data + udp_at), 16);
  const uint64_t udp_sum =
      ingress.sum_udp ? udp_checksum(add_word(payload_sum, pseudo + ports + length)) : fold_sum(pseudo);
  store(data + udp_at, ports | uint64_t{length} << 32 | udp_sum << 48);
  frame.length = payload_at + payload_length;
  frame.l2_length = ip_at;
  frame.l3_length = 20;
}

} // namespace anytick::core
