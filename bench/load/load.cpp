#include "bench/load/load.h"

#include <fmt/format.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <algorithm>

namespace anytick::bench {
namespace {

constexpr uint16_t burst = Pace::burst_max;
constexpr uint32_t window_usual = 1024;
constexpr size_t faults_told = 5;

} // namespace

Load::Load(const LoadOptions& options, Traffic& traffic, uint16_t port, rte_mempool* pool)
    : options_(options), traffic_(traffic), port_(port), pool_(pool),
      timeout_cycles_(static_cast<uint64_t>(options.timeout * static_cast<double>(rte_get_tsc_hz()))),
      window_(options.window > 0 ? options.window
              : options.rate > 0 ? window_max
                                 : window_usual) {}

void Load::settle(Slot& slot) {
  slot.waiting = false;
  --waiting_;
  traffic_.settle(slot.number);
}

void Load::lose(Slot& slot) {
  settle(slot);
  ++report_.lost;
}

void Load::note_sent(uint32_t number, bool expects, uint64_t now) {
  slots_[number % window_max] = {pace_ ? pace_->due() : now, now, number, expects};
  if (pace_) pace_->sent(1);
  waiting_ += expects;
  ++(expects ? report_.sent : report_.garbage);
}

/// What is due, and has room in the window.
uint16_t Load::sendable(uint64_t now) {
  if (!pace_) return waiting_ + burst <= window_ ? burst : 0;
  if (options_.skip_late) pace_->skip_late(now);
  return static_cast<uint16_t>(std::min({uint64_t{burst}, pace_->owed(now), uint64_t{window_ - waiting_}}));
}

void Load::send(uint16_t count) {
  std::array<rte_mbuf*, burst> mbufs;
  // Without a free one, all are on their way: replies first.
  if (rte_pktmbuf_alloc_bulk(pool_, mbufs.data(), count) != 0) return;
  const auto number_at = [first = next_](uint32_t i) { return (first + i) % numbers; };
  std::array<bool, burst> expects;
  uint16_t ready = 0;
  for (; ready < count; ++ready) {
    const uint32_t number = number_at(ready);
    if (Slot& slot = slots_[number % window_max]; slot.waiting) lose(slot);
    const Traffic::Written written = traffic_.write(number, rte_pktmbuf_mtod(mbufs[ready], uint8_t*));
    if (written.length == 0) break;
    rte_pktmbuf_append(mbufs[ready], static_cast<uint16_t>(written.length));
    expects[ready] = written.expects;
  }
  const uint64_t now = rte_rdtsc();
  const uint16_t sent = rte_eth_tx_burst(port_, 0, mbufs.data(), ready);
  if (sent < count) rte_pktmbuf_free_bulk(mbufs.data() + sent, count - sent);
  for (uint16_t i = 0; i < sent; ++i) note_sent(number_at(i), expects[i], now);
  for (uint16_t i = sent; i < ready; ++i) traffic_.settle(number_at(i));
  next_ = number_at(sent);
}

void Load::look_into(uint32_t number, const Datagram& reply) {
  ++report_.checked;
  const char* fault = fault_of_sums(reply);
  if (fault == nullptr) fault = traffic_.fault_of(number, reply);
  if (fault == nullptr) return;
  if (report_.faults.size() < faults_told)
    report_.faults.push_back(fmt::format("{}: {}", traffic_.name_of(number), fault));
  ++report_.wrong;
}

void Load::take(const rte_mbuf& mbuf, uint64_t now) {
  const auto reply = read_datagram({rte_pktmbuf_mtod(&mbuf, const uint8_t*), rte_pktmbuf_data_len(&mbuf)});
  if (!reply) return; // neighbour discovery and the like come from kernels
  const auto number = traffic_.number_of(*reply);
  Slot* const slot = number ? &slots_[*number % window_max] : nullptr;
  if (slot == nullptr || !slot->waiting || slot->number != *number) {
    ++report_.unasked;
    return;
  }
  settle(*slot);
  of_second_.add(now - slot->due);
  if (report_.answered++ % options_.check_every == 0) look_into(*number, *reply);
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
  const double per_us = static_cast<double>(rte_get_tsc_hz()) / 1e6;
  const auto us = [&](double share) { return static_cast<double>(of_second_.quantile(share)) / per_us; };
  fmt::print(stderr,
             "{:.0f} s: {} answered, half of them within {:.1f} us, 99 % within {:.1f} us; in all sent {}, "
             "answered {}, wrong {}, lost {}, unsent {}\n",
             elapsed, of_second_.total(), us(0.5), us(0.99), report_.sent, report_.answered, report_.wrong,
             report_.lost, pace_ ? pace_->unsent(rte_rdtsc()) : 0);
  report_.cycles.add(of_second_);
  of_second_ = {};
}

/// What is late at the end is sent as long as a reply would be waited for.
bool Load::goes_on(double elapsed) const {
  if (elapsed < options_.seconds) return true;
  return pace_ && pace_->owed(rte_rdtsc()) > 0 && elapsed < options_.seconds + options_.timeout;
}

LoadReport Load::run(const std::atomic<bool>& stopped) {
  const auto hz = static_cast<double>(rte_get_tsc_hz());
  const uint64_t begin = rte_rdtsc();
  const auto elapsed = [&] { return static_cast<double>(rte_rdtsc() - begin) / hz; };
  if (options_.rate > 0) pace_.emplace(options_.rate, options_.seconds, hz, begin);
  double line = 1;
  for (double now = 0; goes_on(now) && !stopped; now = elapsed()) {
    if (const uint16_t count = sendable(rte_rdtsc()); count > 0) send(count);
    receive();
    expire(rte_rdtsc());
    if (now >= line) show_progress(line++);
  }
  report_.seconds = elapsed();
  if (pace_) report_.unsent = pace_->unsent(rte_rdtsc());
  while (waiting_ > 0) {
    receive();
    expire(rte_rdtsc());
  }
  report_.cycles.add(of_second_);
  return report_;
}

} // namespace anytick::bench
