#include "bench/micro/traffic.h"

#include <cstring>

#include "dataplane/core/bytes.h"
#include "dataplane/core/checksum.h"
#include "dataplane/core/random.h"
#include "tests/packets/ntp_wire.h"

namespace anytick::bench {
namespace {

using test::Bytes;

constexpr size_t clients = 1 << 20;
constexpr size_t buffer_bytes = 2048; // an mbuf's data room, as frames lie in a pool
constexpr size_t buffers = 1024;      // a ring's worth of them
constexpr size_t headroom = 128;

Bytes query(Mix mix, const std::string& name, core::Random& random) {
  test::Message message{.name = name};
  if (mix == Mix::miss) message.name.insert(0, std::to_string(random.next() % 1000000) + "x.");
  message.edns = mix != Mix::plain && mix != Mix::half_ntp;
  if (mix == Mix::subnet) message.options = {test::subnet("198.51.100.0/24")};
  return message.bytes();
}

Bytes request(Mix mix, core::Random& random) {
  const Bytes message = test::NtpMessage{.transmit = random.next()}.bytes();
  return mix == Mix::ntp_cmac ? test::with_mac(3, message) : message;
}

bool is_ntp(Mix mix, size_t index) {
  return mix == Mix::ntp || mix == Mix::ntp_ipv6 || mix == Mix::ntp_cmac || (mix == Mix::half_ntp && index % 2 == 1);
}

} // namespace

core::Ingress ingress() {
  core::Ingress port;
  port.mac = {2, 0, 0, 0, 0, 1};
  port.ipv4 = {core::big32(0xcb007135)};
  port.ipv6.push_back({0x20, 1, 0xd, 0xb8, 0, 0x53, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x53});
  return port;
}

Traffic::Traffic(Mix mix, const std::vector<std::string>& names)
    : ipv6_(mix == Mix::ipv6 || mix == Mix::ntp_ipv6), pool_(buffers * buffer_bytes) {
  core::Random random(42);
  for (size_t i = 0; i < names.size(); ++i) {
    const bool ntp = is_ntp(mix, i);
    test::Packet packet{.payload = ntp ? request(mix, random) : query(mix, names[i], random)};
    if (ntp) packet.to_port = 123;
    if (ipv6_) {
      packet.from = "2001:db8:1::7";
      packet.to = "2001:db8:53::53";
    }
    frames_.push_back(packet.bytes());
  }
  clients_.resize(clients);
  for (uint32_t& client : clients_) client = 0x80000000 + static_cast<uint32_t>(random.next() % 0x5f000000);
}

void Traffic::next(std::span<core::Frame> burst) {
  for (core::Frame& frame : burst) {
    const Bytes& from = frames_[at_ * 2654435761u % frames_.size()];
    uint8_t* data = pool_.data() + at_ % buffers * buffer_bytes + headroom;
    std::memcpy(data, from.data(), from.size());
    set_client(data, core::big32(clients_[at_ % clients]));
    frame = {};
    frame.data = data;
    frame.length = static_cast<uint32_t>(from.size());
    frame.room = buffer_bytes - headroom;
    ++at_;
  }
}

/// Replaces 4 bytes of source address, keeping the sums right by their difference (RFC 1624).
void Traffic::set_client(uint8_t* frame, uint32_t client) const {
  const size_t address_at = ipv6_ ? 14 + 8 + 4 : 14 + 12;
  const size_t udp = ipv6_ ? 14 + 40 : 14 + 20;
  const auto adjust = [&](size_t sum_at, uint32_t before, uint32_t after) {
    uint64_t sum = uint16_t(~core::load<uint16_t>(frame + sum_at));
    sum += uint16_t(~before) + uint64_t{uint16_t(~(before >> 16))} + uint16_t(after) + (after >> 16);
    const auto adjusted = static_cast<uint16_t>(~core::fold_sum(sum));
    core::store(frame + sum_at, adjusted != 0 ? adjusted : uint16_t{0xffff});
  };
  const uint32_t before = core::load<uint32_t>(frame + address_at);
  core::store(frame + address_at, client);
  if (!ipv6_) adjust(14 + 10, before, client);
  adjust(udp + 6, before, client);
}

} // namespace anytick::bench
