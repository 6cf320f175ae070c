#include "bench/load/replay.h"

#include <algorithm>
#include <utility>

#include "bench/load/checker.h"
#include "dataplane/core/bytes.h"
#include "dataplane/core/dns_query.h"

namespace anytick::bench {
namespace {

constexpr size_t ntp_bytes = 48, origin_at = 24, transmit_at = 40;
constexpr unsigned client_mode = 3;
constexpr unsigned passed_max = 64; // frames that wait, before there is nothing to send

bool is_query(const Datagram& datagram) {
  if (datagram.to_port() != dns_port) return false;
  core::DnsQuery query{};
  core::parse_query(datagram.payload.data(), datagram.payload.size(), query);
  return query.question_end != 0;
}

bool is_time_request(const Datagram& datagram) {
  return datagram.to_port() == ntp_port && datagram.payload.size() >= ntp_bytes &&
         (datagram.payload[0] & 7) == client_mode;
}

} // namespace

size_t Replay::KeyHash::operator()(const Key& key) const {
  uint64_t hash = key.mark;
  for (const uint64_t word : {key.client.high(), key.client.low(), key.server.high(), key.server.low(),
                              uint64_t{key.client_port} << 16 | key.server_port})
    hash = (hash ^ word) * 0x9E3779B97F4A7C15u + (hash >> 29);
  return hash ^ hash >> 32;
}

Replay::Replay(std::vector<test::Bytes> frames, const std::string& server_mac, const std::string& client_mac) {
  const test::Bytes macs = test::from_hex(server_mac + client_mac);
  for (test::Bytes& bytes : frames) {
    std::ranges::copy(macs, bytes.begin());
    frames_.push_back({std::move(bytes), none});
    Frame& frame = frames_.back();
    const auto datagram = read_datagram(frame.bytes);
    if (!datagram) continue;
    const bool time = is_time_request(*datagram);
    if (!time && !is_query(*datagram)) continue;
    const uint8_t* const payload = datagram->payload.data();
    const Key key{address_of(datagram->from()), address_of(datagram->to()), datagram->from_port(), datagram->to_port(),
                  time ? core::load_big64(payload + transmit_at) : core::load_big16(payload)};
    const auto next = static_cast<uint32_t>(exchanges_.size());
    frame.exchange = exchanges_.try_emplace(key, next).first->second;
  }
  waiting_.assign(exchanges_.size(), none);
}

Traffic::Written Replay::write(uint32_t number, uint8_t* to) {
  for (unsigned passed = 0; waits(frames_[next_]); next_ = after(next_))
    if (++passed == passed_max) return {0, false};
  const uint32_t index = std::exchange(next_, after(next_));
  sent_[number % window_max] = index;
  const Frame& frame = frames_[index];
  const bool expects = frame.exchange != none;
  if (expects) waiting_[frame.exchange] = number;
  std::ranges::copy(frame.bytes, to);
  return {frame.bytes.size(), expects};
}

void Replay::settle(uint32_t number) {
  if (const uint32_t exchange = frame_of(number).exchange; exchange != none) waiting_[exchange] = none;
}

std::optional<uint32_t> Replay::number_of(const Datagram& reply) const {
  const bool time = reply.from_port() == ntp_port;
  if (reply.payload.size() < (time ? ntp_bytes : 2)) return {};
  const uint8_t* const payload = reply.payload.data();
  const auto found =
      exchanges_.find({address_of(reply.to()), address_of(reply.from()), reply.to_port(), reply.from_port(),
                       time ? core::load_big64(payload + origin_at) : core::load_big16(payload)});
  if (found == exchanges_.end() || waiting_[found->second] == none) return {};
  return waiting_[found->second];
}

const char* Replay::fault_of(uint32_t number, const Datagram& reply) {
  const auto asked = read_datagram(frame_of(number).bytes)->payload;
  return reply.from_port() == ntp_port ? fault_of_time(asked, reply.payload) : fault_of_response(asked, reply.payload);
}

std::string Replay::name_of(uint32_t number) const {
  return "frame " + std::to_string(sent_[number % window_max] + 1) + " of the capture";
}

} // namespace anytick::bench
