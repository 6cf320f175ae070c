#include "bench/load/load.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <algorithm>

#include "bench/load/checker.h"
#include "dataplane/core/bytes.h"

namespace anytick::bench {
namespace {

constexpr uint16_t burst = 32;
constexpr size_t faults_told = 5;
constexpr size_t ipv4_at = 14, udp_at = ipv4_at + 20;
constexpr uint16_t dns_port = 53, ntp_port = 123;

bool is_udp(std::span<const uint8_t> frame) {
  return frame.size() >= frame_payload_at && core::load_big16(frame.data() + 12) == 0x0800 && frame[ipv4_at] == 0x45 &&
         frame[ipv4_at + 9] == IPPROTO_UDP;
}

uint32_t spread_of(uint32_t number) {
  return number * 0x9E3779B1u; // no source asks twice in a row
}

} // namespace

Load::Load(const LoadOptions& options, const MixOptions& mix, std::span<const MixFrame> frames, uint16_t port,
           rte_mempool* pool)
    : options_(options), mix_(mix), frames_(frames), port_(port), pool_(pool),
      timeout_cycles_(static_cast<uint64_t>(options.timeout * static_cast<double>(rte_get_tsc_hz()))) {
  in_addr first{};
  inet_pton(AF_INET, mix.sources.c_str(), &first);
  first_source_ = ntohl(first.s_addr);
}

void Load::lose(Slot& slot) {
  slot.waiting = false;
  --waiting_;
  ++report_.lost;
}

void Load::send(uint16_t count) {
  std::array<rte_mbuf*, burst> mbufs;
  // Without a free one, all are on their way: replies first.
  if (rte_pktmbuf_alloc_bulk(pool_, mbufs.data(), count) != 0) return;
  const auto source_of = [&](uint32_t number) {
    return core::big32(first_source_ + (spread_of(number) >> (32 - mix_.source_bits)));
  };
  for (uint16_t i = 0; i < count; ++i) {
    const uint32_t number = (next_ + i) % numbers;
    const MixFrame& frame = frame_of(number);
    char* to = rte_pktmbuf_append(mbufs[i], static_cast<uint16_t>(frame.bytes.size()));
    write_frame(frame, number, source_of(number), reinterpret_cast<uint8_t*>(to));
  }
  const uint64_t now = rte_rdtsc();
  const uint16_t sent = rte_eth_tx_burst(port_, 0, mbufs.data(), count);
  if (sent < count) rte_pktmbuf_free_bulk(mbufs.data() + sent, count - sent);
  for (uint16_t i = 0; i < sent; ++i, next_ = (next_ + 1) % numbers) {
    Slot& slot = slots_[next_ % window_max];
    if (slot.waiting) lose(slot);
    const bool expects = frame_of(next_).kind != MixFrame::Kind::garbage;
    slot = {now, next_, source_of(next_), expects};
    waiting_ += expects;
    ++(expects ? report_.sent : report_.garbage);
  }
}

void Load::look_into(const Slot& slot, std::span<const uint8_t> reply) {
  ++report_.checked;
  const MixFrame& asked = frame_of(slot.number);
  std::array<uint8_t, 1024> request;
  write_frame(asked, slot.number, slot.source, request.data());
  const auto payload = std::span<const uint8_t>(request.data(), asked.bytes.size()).subspan(frame_payload_at);
  const bool time = asked.kind == MixFrame::Kind::time;
  const char* fault = time ? fault_of_time(payload, reply) : fault_of_answer(payload, *asked.asked, reply);
  if (fault == nullptr) return;
  if (report_.faults.size() < faults_told)
    report_.faults.push_back(fmt::format("{}: {}", time ? "NTP" : asked.asked->name, fault));
  ++report_.wrong;
}

void Load::take(const rte_mbuf& mbuf, uint64_t now) {
  const std::span<const uint8_t> frame(rte_pktmbuf_mtod(&mbuf, const uint8_t*), rte_pktmbuf_data_len(&mbuf));
  if (!is_udp(frame)) return; // neighbour discovery and the like come from kernels
  const uint16_t from = core::load_big16(frame.data() + udp_at), to = core::load_big16(frame.data() + udp_at + 2);
  const size_t length = core::load_big16(frame.data() + udp_at + 4);
  const bool whole = length >= 8 + 2 && udp_at + length <= frame.size();
  const auto payload = whole ? frame.subspan(frame_payload_at, length - 8) : std::span<const uint8_t>{};
  const bool time = from == ntp_port;
  if (!whole || (from != dns_port && !time) || (time && payload.size() < 48)) {
    ++report_.unasked;
    return;
  }
  const uint32_t number =
      time ? core::load_big32(payload.data() + 28) : number_of(to, core::load_big16(payload.data()));
  Slot& slot = slots_[number % window_max];
  const bool ours = slot.waiting && slot.number == number && number_of(to, static_cast<uint16_t>(number)) == number &&
                    (frame_of(number).kind == MixFrame::Kind::time) == time &&
                    core::load<uint32_t>(frame.data() + ipv4_at + 16) == slot.source &&
                    core::load<uint32_t>(frame.data() + ipv4_at + 12) ==
                        core::load<uint32_t>(frame_of(number).bytes.data() + ipv4_at + 16);
  if (!ours) {
    ++report_.unasked;
    return;
  }
  slot.waiting = false;
  --waiting_;
  report_.cycles.add(now - slot.sent_at);
  if (report_.answered++ % options_.check_every == 0) look_into(slot, payload);
}

void Load::receive() {
  std::array<rte_mbuf*, burst> mbufs;
  const uint16_t received = rte_eth_rx_burst(port_, 0, mbufs.data(), burst);
  const uint64_t now = rte_rdtsc();
  for (uint16_t i = 0; i < received; ++i) take(*mbufs[i], now);
  if (received > 0) rte_pktmbuf_free_bulk(mbufs.data(), received);
}

void Load::expire(uint64_t now) {
  for (; oldest_ != next_; oldest_ = (oldest_ + 1) % numbers) {
    Slot& slot = slots_[oldest_ % window_max];
    if (!slot.waiting || slot.number != oldest_) continue;
    if (now - slot.sent_at < timeout_cycles_) return;
    lose(slot);
  }
}

void Load::show_progress(double elapsed) {
  fmt::print(stderr, "{:.0f} s: {} answered in the last one; sent {}, lost {}, wrong {}\n", elapsed,
             report_.answered - shown_, report_.sent, report_.lost, report_.wrong);
  shown_ = report_.answered;
}

LoadReport Load::run(const std::atomic<bool>& stopped) {
  const auto hz = static_cast<double>(rte_get_tsc_hz());
  const uint64_t begin = rte_rdtsc();
  const auto elapsed = [&] { return static_cast<double>(rte_rdtsc() - begin) / hz; };
  // Every millisecond at low rates, and in bursts that are no larger than ours at high ones.
  const bool paced = options_.rate > 0;
  const auto count = static_cast<uint16_t>(paced ? std::clamp(options_.rate / 1000, 1.0, double{burst}) : burst);
  const double share = paced ? count / options_.rate : 0;
  double next = 0, line = 1;
  for (double now = 0; now < options_.seconds && !stopped; now = elapsed()) {
    if (now >= next && waiting_ + count <= options_.window) {
      send(count);
      // What a pause kept from being sent is made up for in small part: all of it would be a burst.
      next = std::max(next + share, now - 4 * share);
    }
    receive();
    expire(rte_rdtsc());
    if (now >= line) show_progress(line++);
  }
  report_.seconds = elapsed();
  while (waiting_ > 0) {
    receive();
    expire(rte_rdtsc());
  }
  return report_;
}

} // namespace anytick::bench
