#include "bench/micro/traffic.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "dataplane/core/bytes.h"
#include "dataplane/core/checksum.h"
#include "dataplane/core/cookie.h"
#include "dataplane/core/random.h"
#include "tests/packets/ntp_wire.h"
#include "tests/packets/world.h"

namespace anytick::bench {
namespace {

using test::Bytes;

constexpr size_t clients = 1 << 20;
constexpr size_t buffer_bytes = 2048; // an mbuf's data room, as frames lie in a pool
constexpr size_t buffers = 1024;      // a ring's worth of them
constexpr size_t headroom = 128;
constexpr size_t ipv4_udp = 14 + 20;
constexpr std::array<uint8_t, core::client_cookie_bytes> client_cookie{0x24, 0x64, 0xc4, 0xab, 0xcf, 0x10, 0xc9, 0x57};

/// A server cookie's bytes are zero, and the last of the message: each client has another.
test::Option cookie(Mix mix) {
  test::Option option{10, {client_cookie.begin(), client_cookie.end()}};
  if (mix == Mix::server_cookie) option.data.resize(client_cookie.size() + core::server_cookie_bytes);
  return option;
}

Bytes query(Mix mix, const std::string& name, core::Random& random) {
  test::Message message{.name = name};
  if (mix == Mix::miss) message.name.insert(0, std::to_string(random.next() % 1000000) + "x.");
  message.edns = mix != Mix::plain && mix != Mix::half_ntp;
  if (mix == Mix::subnet || mix == Mix::all) message.options = {test::subnet("198.51.100.0/24")};
  if (mix == Mix::cookie || mix == Mix::server_cookie || mix == Mix::all) message.options.push_back(cookie(mix));
  return message.bytes();
}

Bytes request(Mix mix, core::Random& random) {
  const Bytes message = test::NtpMessage{.transmit = random.next()}.bytes();
  return mix == Mix::ntp_cmac ? test::with_mac(3, message) : message;
}

bool is_ntp(Mix mix, size_t index) {
  return mix == Mix::ntp || mix == Mix::ntp_ipv6 || mix == Mix::ntp_cmac || (mix == Mix::half_ntp && index % 2 == 1);
}

/// Adds to a sum of RFC 1071 (RFC 1624). `more` is folded here.
void add_to_sum(uint8_t* at, uint64_t more) {
  const auto adjusted = static_cast<uint16_t>(~core::fold_sum(uint16_t(~core::load<uint16_t>(at)) + more));
  core::store(at, adjusted != 0 ? adjusted : uint16_t{0xffff});
}

/// Writes the client's server cookie in the place of the zeroes at the end of an IPv4 frame.
void set_server_cookie(uint8_t* frame, size_t length, uint32_t client) {
  const core::ServerCookie cookie =
      core::make_server_cookie(test::cookie_keys_of_cases().keys[0], client_cookie, 0, geo::Address::ipv4(client));
  const size_t at = length - cookie.size();
  std::copy(cookie.begin(), cookie.end(), frame + at);
  const uint16_t sum = core::fold_sum(core::sum_bytes(cookie.data(), cookie.size()));
  const bool odd = (at - ipv4_udp) % 2 != 0;
  add_to_sum(frame + ipv4_udp + 6, odd ? __builtin_bswap16(sum) : sum);
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
    : ipv6_(mix == Mix::ipv6 || mix == Mix::ntp_ipv6), server_cookie_(mix == Mix::server_cookie),
      pool_(buffers * buffer_bytes) {
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
    const uint32_t client = clients_[at_ % clients];
    set_client(data, core::big32(client));
    if (server_cookie_) set_server_cookie(data, from.size(), client);
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
  const size_t udp = ipv6_ ? 14 + 40 : ipv4_udp;
  const uint32_t before = core::load<uint32_t>(frame + address_at);
  const uint64_t change = uint64_t{static_cast<uint32_t>(~before)} + client;
  core::store(frame + address_at, client);
  if (!ipv6_) add_to_sum(frame + 14 + 10, change);
  add_to_sum(frame + udp + 6, change);
}

} // namespace anytick::bench
