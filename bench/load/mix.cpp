#include "bench/load/mix.h"

#include <cmath>
#include <cstring>
#include <random>

#include "dataplane/core/bytes.h"
#include "dataplane/core/checksum.h"
#include "tests/packets/ntp_wire.h"

namespace anytick::bench {
namespace {

constexpr unsigned first_port = 1024;
constexpr size_t source_at = 14 + 12, ip_sum_at = 14 + 10;
constexpr size_t port_at = 14 + 20, udp_sum_at = port_at + 6;
constexpr size_t stamp_low_at = frame_payload_at + 44;

/// Adds to a sum of RFC 1071.
void add_to_sum(uint8_t* at, uint64_t more) {
  const auto sum = static_cast<uint16_t>(~core::fold_sum(uint16_t(~core::load<uint16_t>(at)) + more));
  core::store(at, sum != 0 ? sum : uint16_t{0xffff});
}

class Draw {
 public:
  Draw(const MixOptions& options, std::span<const Answerable> names)
      : options_(options), names_(names), random_(options.seed) {
    std::vector<double> weights;
    for (size_t i = 1; i <= names.size(); ++i) weights.push_back(std::pow(static_cast<double>(i), -options.zipf));
    name_ = std::discrete_distribution<size_t>(weights.begin(), weights.end());
  }

  MixFrame next() {
    const double which = share_(random_);
    if (which < options_.ntp) return frame(MixFrame::Kind::time, nullptr, time_request(), 123);
    if (which < options_.ntp + options_.garbage) return frame(MixFrame::Kind::garbage, nullptr, test::Bytes(11), 53);
    const Answerable& asked = names_[name_(random_)];
    return frame(MixFrame::Kind::query, &asked, query(asked.name), 53);
  }

 private:
  bool happens(double share) { return share_(random_) < share; }

  test::Bytes query(const std::string& name) {
    test::Message message{.name = name, .id = 0};
    message.edns = happens(options_.edns);
    if (happens(options_.subnet)) {
      message.edns = true;
      const auto octet = [&] { return std::to_string(random_() % 256); };
      message.options = {test::subnet(std::to_string(1 + random_() % 223) + "." + octet() + "." + octet() + ".0/24")};
    }
    return message.bytes();
  }
  test::Bytes time_request() { return test::NtpMessage{.transmit = uint64_t{random_()} << 32}.bytes(); }

  MixFrame frame(MixFrame::Kind kind, const Answerable* asked, test::Bytes payload, unsigned port) const {
    test::Packet packet{.payload = std::move(payload), .from = "0.0.0.0", .to = options_.server, .from_port = 0};
    packet.to_port = port;
    packet.to_mac = options_.server_mac;
    packet.from_mac = options_.client_mac;
    return {kind, asked, packet.bytes()};
  }

  const MixOptions& options_;
  std::span<const Answerable> names_;
  std::mt19937 random_;
  std::uniform_real_distribution<double> share_{0, 1};
  std::discrete_distribution<size_t> name_;
};

} // namespace

std::vector<MixFrame> draw_mix(const MixOptions& options, std::span<const Answerable> names) {
  Draw draw(options, names);
  std::vector<MixFrame> frames;
  for (size_t i = 0; i < mix_frames; ++i) frames.push_back(draw.next());
  return frames;
}

uint32_t number_of(uint16_t port, uint16_t id) {
  return static_cast<uint32_t>(port - first_port) << 16 | id;
}

void write_frame(const MixFrame& frame, uint32_t number, uint32_t source, uint8_t* to) {
  std::memcpy(to, frame.bytes.data(), frame.bytes.size());
  const uint16_t port = core::big16(static_cast<uint16_t>(first_port + (number >> 16)));
  core::store(to + source_at, source);
  core::store(to + port_at, port);
  uint64_t change = uint64_t{source} + port;
  if (frame.kind == MixFrame::Kind::time) {
    core::store_big32(to + stamp_low_at, number);
    change += core::big32(number);
  } else if (frame.kind == MixFrame::Kind::query) {
    const uint16_t id = core::big16(static_cast<uint16_t>(number));
    core::store(to + frame_payload_at, id);
    change += id;
  }
  add_to_sum(to + ip_sum_at, source);
  add_to_sum(to + udp_sum_at, change);
}

} // namespace anytick::bench
