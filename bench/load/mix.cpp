#include "bench/load/mix.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <utility>

#include "bench/load/edit.h"
#include "dataplane/core/bytes.h"
#include "dataplane/core/dns.h"
#include "dataplane/core/random.h"
#include "tests/packets/ntp_wire.h"

namespace anytick::bench {
namespace {

constexpr unsigned first_port = 1024;
// In an NTP message, the low half of the stamp.
constexpr size_t transmit_low = 44, origin_low = 28;

uint16_t port_of(uint32_t number) {
  return static_cast<uint16_t>(first_port + (number >> 16));
}

/// The number that a reply to a query states.
uint32_t stated_number(uint16_t port, uint16_t id) {
  return static_cast<uint32_t>(port - first_port) << 16 | id;
}

class Draw {
 public:
  Draw(const MixOptions& options, std::span<const Choice> choices)
      : options_(options), choices_(choices), random_(options.seed) {
    std::vector<double> weights;
    for (const Choice& choice : choices) weights.push_back(choice.weight);
    choice_ = std::discrete_distribution<size_t>(weights.begin(), weights.end());
  }

  MixFrame next() {
    MixFrame frame{.ipv6 = happens(options_.ipv6)};
    const double which = share_(random_);
    if (which < options_.ntp) {
      frame.kind = MixFrame::Kind::time;
      frame.bytes = packet(frame, test::NtpMessage{.transmit = uint64_t{random_()} << 32}.bytes());
    } else if (which < options_.ntp + options_.garbage) {
      frame.kind = MixFrame::Kind::garbage;
      frame.bytes = packet(frame, test::Bytes(core::dns::header_bytes - 1));
    } else {
      frame.asked = &choices_[choice_(random_)].asked;
      write_query(frame);
    }
    return frame;
  }

 private:
  bool happens(double share) { return share_(random_) < share; }

  void write_query(MixFrame& frame) {
    test::Message message{.name = frame.asked->name, .type = frame.asked->type, .id = 0};
    message.edns = happens(options_.edns);
    if (happens(options_.subnet)) state_subnet(frame, message);
    if (happens(options_.cookies)) {
      // The last option, so that it is what the message ends with.
      message.edns = true;
      message.options.push_back({core::dns::option_cookie, {}});
      message.options.back().data.resize(core::client_cookie_bytes + core::server_cookie_bytes);
      frame.with_server_cookie = packet(frame, message.bytes());
      message.options.back().data.resize(core::client_cookie_bytes);
    }
    frame.bytes = packet(frame, message.bytes());
  }

  /// What a resolver would send of a client: 24 bits of IPv4, 56 of IPv6 (RFC 7871 11.1).
  void state_subnet(MixFrame& frame, test::Message& message) {
    core::Random random(random_());
    const geo::Address client =
        frame.ipv6 ? geo::Address::ipv6(random.next() >> 3 | uint64_t{1} << 61, 0)
                   : geo::Address::ipv4(static_cast<uint32_t>(random.next() % (223u << 24)) + (1u << 24));
    const geo::Prefix prefix = geo::prefix_of(client, frame.ipv6 ? 56 : 24);
    frame.subnet = {true, static_cast<uint16_t>(frame.ipv6 ? 2 : 1), prefix.length, prefix.address};
    message.edns = true;
    message.options.push_back(test::subnet(geo::to_text(prefix)));
    frame.subnet_option = message.options.back().data;
  }

  test::Bytes packet(const MixFrame& frame, test::Bytes payload) const {
    test::Packet packet{.payload = std::move(payload), .from = frame.ipv6 ? "::" : "0.0.0.0", .from_port = 0};
    packet.to = frame.ipv6 ? options_.server6 : options_.server;
    packet.to_port = frame.kind == MixFrame::Kind::time ? ntp_port : dns_port;
    packet.to_mac = options_.server_mac;
    packet.from_mac = options_.client_mac;
    return packet.bytes();
  }

  const MixOptions& options_;
  std::span<const Choice> choices_;
  std::mt19937 random_;
  std::uniform_real_distribution<double> share_{0, 1};
  std::discrete_distribution<size_t> choice_;
};

} // namespace

std::vector<Choice> zipf_choices(const core::ZoneImage& image, double exponent, double aaaa) {
  std::vector<Choice> choices;
  for (const auto& [type, share] : {std::pair(core::dns::A, 1 - aaaa), std::pair(core::dns::AAAA, aaaa)}) {
    if (share == 0) continue;
    const std::vector<Answerable> names = answerable_names(image, type);
    double sum = 0;
    for (size_t i = 1; i <= names.size(); ++i) sum += std::pow(static_cast<double>(i), -exponent);
    for (size_t i = 1; i <= names.size(); ++i)
      choices.push_back({names[i - 1], share * std::pow(static_cast<double>(i), -exponent) / sum});
  }
  return choices;
}

std::vector<MixFrame> draw_mix(const MixOptions& options, std::span<const Choice> choices) {
  Draw draw(options, choices);
  std::vector<MixFrame> frames;
  for (size_t i = 0; i < mix_frames; ++i) frames.push_back(draw.next());
  return frames;
}

Mix::Mix(const MixOptions& options, std::span<const Choice> choices, Sources sources, Sources sources6,
         const Locator* locator)
    : seed_(options.seed), echo_(options.echo), four_(options.server, std::move(sources), options.cookies > 0),
      six_(options.server6, std::move(sources6), options.cookies > 0), locator_(locator),
      frames_(draw_mix(options, choices)) {}

Mix::Side::Side(const std::string& address, Sources clients, bool cookies)
    : server(geo::parse_address(address).value_or(geo::Address())), sources(std::move(clients)),
      jar(cookies ? sources.count() : 0) {}

uint64_t Mix::client_cookie(uint32_t client) const {
  return (seed_ ^ client) * 0x9E3779B97F4A7C15u;
}

Traffic::Written Mix::write(uint32_t number, uint8_t* to) {
  const MixFrame& frame = frame_of(number);
  const Side& side = side_of(frame);
  const uint32_t client = side.sources.client_of(number);
  const bool cookies = !frame.with_server_cookie.empty();
  const core::ServerCookie* known = cookies ? side.jar.find(client) : nullptr;
  const test::Bytes& bytes = known != nullptr ? frame.with_server_cookie : frame.bytes;
  std::memcpy(to, bytes.data(), bytes.size());

  Edit edit(to, frame.ipv6);
  edit.set_source(side.sources.address(client), port_of(number));
  if (cookies) {
    size_t at = bytes.size();
    if (known != nullptr) {
      edit.set(at -= 8, core::load<uint64_t>(known->data() + 8));
      edit.set(at -= 8, core::load<uint64_t>(known->data()));
    }
    edit.set(at - core::client_cookie_bytes, client_cookie(client));
  }
  switch (frame.kind) {
  case MixFrame::Kind::time:
    edit.set(edit.payload_at() + transmit_low, core::big32(number));
    break;
  case MixFrame::Kind::query:
    edit.set(edit.payload_at(), core::big16(static_cast<uint16_t>(number)));
    break;
  case MixFrame::Kind::garbage:
    break;
  }
  edit.finish();
  return {bytes.size(), frame.kind != MixFrame::Kind::garbage};
}

std::optional<uint32_t> Mix::number_of(const Datagram& reply) const {
  const bool time = reply.from_port() == ntp_port;
  const size_t least = time ? 48 : 2; // its stamp, or its id
  if ((!time && reply.from_port() != dns_port) || reply.payload.size() < least) return {};
  const uint32_t number = time ? core::load_big32(&reply.payload[echo_ ? transmit_low : origin_low])
                               : stated_number(reply.to_port(), core::load_big16(&reply.payload[0]));
  if (number >= numbers || reply.to_port() != port_of(number)) return {};
  const MixFrame& frame = frame_of(number);
  const Side& side = side_of(frame);
  const bool replies = (frame.kind == MixFrame::Kind::time) == time && is_address(reply.from(), side.server) &&
                       is_address(reply.to(), side.sources.address(side.sources.client_of(number)));
  return replies ? std::optional(number) : std::nullopt;
}

Expected Mix::expected(const MixFrame& frame, std::span<const uint8_t> source) const {
  if (locator_ == nullptr) return expected_of_anyone(*frame.asked);
  const bool by_subnet = core::is_locatable(frame.subnet);
  return locator_->expected(*frame.asked, by_subnet ? frame.subnet.address : address_of(source), by_subnet);
}

const char* Mix::fault_of(uint32_t number, const Datagram& reply) {
  if (echo_) return nullptr;
  const MixFrame& frame = frame_of(number);
  const auto payload = std::span(frame.bytes).subspan(Edit::payload_at(frame.ipv6));
  if (frame.kind == MixFrame::Kind::time) {
    std::array<uint8_t, 48> request;
    std::copy_n(payload.begin(), request.size(), request.begin());
    core::store_big32(&request[transmit_low], number);
    return fault_of_time(request, reply.payload);
  }
  Side& side = side_of(frame);
  const uint32_t client = side.sources.client_of(number);
  Asked asked{.query = payload, .type = frame.asked->type, .subnet = frame.subnet_option};
  const uint64_t cookie = client_cookie(client);
  if (!frame.with_server_cookie.empty()) asked.cookie = {reinterpret_cast<const uint8_t*>(&cookie), sizeof cookie};
  const Verdict verdict = judge_answer(asked, expected(frame, reply.to()), reply.payload);
  if (core::ServerCookie server; verdict.server_cookie.size() == server.size()) {
    std::ranges::copy(verdict.server_cookie, server.begin());
    side.jar.keep(client, server);
  }
  return verdict.fault;
}

std::string Mix::name_of(uint32_t number) const {
  const MixFrame& frame = frame_of(number);
  return frame.kind == MixFrame::Kind::time ? "NTP" : frame.asked->name;
}

} // namespace anytick::bench
