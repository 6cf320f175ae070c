#include "bench/load/datagram.h"

#include <netinet/in.h>

#include "dataplane/core/bytes.h"
#include "dataplane/core/checksum.h"

namespace anytick::bench {
namespace {

constexpr size_t ipv4_bytes = 20, ipv6_bytes = 40;
constexpr unsigned fragment_mask = 0x3fff; // more fragments, and the offset

/// The packet, as long as its header says; nothing where it is none that is looked at.
std::span<const uint8_t> read_ipv4(std::span<const uint8_t> rest) {
  if (rest.size() < ipv4_bytes || rest[0] != 0x45 || rest[9] != IPPROTO_UDP) return {};
  const size_t length = core::load_big16(&rest[2]);
  const bool fragment = (core::load_big16(&rest[6]) & fragment_mask) != 0;
  return fragment || length > rest.size() ? std::span<const uint8_t>() : rest.first(length);
}

std::span<const uint8_t> read_ipv6(std::span<const uint8_t> rest) {
  if (rest.size() < ipv6_bytes || rest[0] >> 4 != 6 || rest[6] != IPPROTO_UDP) return {};
  const size_t length = ipv6_bytes + core::load_big16(&rest[4]);
  return length > rest.size() ? std::span<const uint8_t>() : rest.first(length);
}

} // namespace

std::optional<Datagram> read_datagram(std::span<const uint8_t> frame) {
  if (frame.size() < ethernet_bytes) return {};
  const uint16_t ethertype = core::load_big16(&frame[12]);
  const bool ipv6 = ethertype == 0x86dd;
  if (!ipv6 && ethertype != 0x0800) return {};
  const auto rest = frame.subspan(ethernet_bytes);
  const auto packet = ipv6 ? read_ipv6(rest) : read_ipv4(rest);
  const size_t header = ipv6 ? ipv6_bytes : ipv4_bytes;
  if (packet.size() < header + udp_bytes) return {};
  const auto udp = packet.subspan(header);
  if (core::load_big16(&udp[4]) != udp.size()) return {};
  return Datagram{packet, udp.subspan(udp_bytes), ipv6};
}

const char* fault_of_sums(const Datagram& datagram) {
  constexpr uint16_t right = 0xffff; // of what has its own checksum in it
  const uint8_t* const ip = datagram.packet.data();
  if (!datagram.ipv6 && core::fold_sum(core::sum_bytes(ip, ipv4_bytes)) != right) return "a wrong checksum of IPv4";
  const uint8_t* const udp = datagram.payload.data() - udp_bytes;
  if (core::load<uint16_t>(udp + 6) == 0) return datagram.ipv6 ? "no checksum of UDP" : nullptr;
  const size_t length = datagram.payload.size() + udp_bytes;
  uint64_t sum = core::sum_bytes(datagram.from().data(), 2 * datagram.address_bytes());
  sum = core::add_word(sum, core::big16(static_cast<uint16_t>(length)));
  sum = core::add_word(sum, core::big16(IPPROTO_UDP));
  sum = core::add_word(sum, core::sum_bytes(udp, length));
  return core::fold_sum(sum) == right ? nullptr : "a wrong checksum of UDP";
}

} // namespace anytick::bench
