#include "dataplane/io/worker.h"

#include <algorithm>
#include <span>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_pause.h>

#include "dataplane/io/idle.h"

namespace anytick::io {
namespace {

/// A transmit ring that is full drains within a few microseconds or not at all; receiving must not wait for longer.
constexpr int tx_attempts = 4;

/// NONE, which is all bits of the mask, means verified data whose checksum was never written: good for us.
core::Checksum checksum_state(uint64_t flags, uint64_t mask, uint64_t bad) {
  if ((flags & mask) == bad) return core::Checksum::bad;
  return (flags & mask) == 0 ? core::Checksum::unknown : core::Checksum::good;
}

core::Frame frame_of(rte_mbuf& mbuf) {
  core::Frame frame;
  frame.data = rte_pktmbuf_mtod(&mbuf, uint8_t*);
  frame.length = mbuf.data_len;
  frame.room = uint32_t{mbuf.buf_len} - mbuf.data_off;
  frame.ip_checksum = checksum_state(mbuf.ol_flags, RTE_MBUF_F_RX_IP_CKSUM_MASK, RTE_MBUF_F_RX_IP_CKSUM_BAD);
  frame.udp_checksum = checksum_state(mbuf.ol_flags, RTE_MBUF_F_RX_L4_CKSUM_MASK, RTE_MBUF_F_RX_L4_CKSUM_BAD);
  frame.segmented = mbuf.nb_segs > 1;
  return frame;
}

ReplyFlags flags_of(const core::Ingress& ingress) {
  const uint64_t udp = ingress.tx_udp_checksum ? RTE_MBUF_F_TX_UDP_CKSUM : 0;
  const uint64_t ip = ingress.tx_ip_checksum ? RTE_MBUF_F_TX_IP_CKSUM : 0;
  return {RTE_MBUF_F_TX_IPV4 | ip | udp, RTE_MBUF_F_TX_IPV6 | udp};
}

void make_reply(rte_mbuf& mbuf, const core::Frame& frame, const ReplyFlags& flags) {
  mbuf.data_len = static_cast<uint16_t>(frame.length);
  mbuf.pkt_len = frame.length;
  mbuf.tx_offload = rte_mbuf_tx_offload(frame.l2_length, frame.l3_length, 0, 0, 0, 0, 0);
  // What the device said of the query is not true of the reply; where the bytes live still is.
  const uint64_t place = mbuf.ol_flags & (RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL);
  mbuf.ol_flags = place | (frame.l3_length == 20 ? flags.ipv4 : flags.ipv6);
}

} // namespace

Worker::Worker(unsigned id, unsigned core, const WorkersConfig& config, std::vector<PortQueue> queues, Tables& tables,
               uint64_t seed, const ThreadResources& resources)
    : id_(id), core_(core), burst_(config.burst), idle_(config.idle), tables_(tables), tsc_(TscScale::measured()),
      clock_(resources.clock), state_(seed, id) {
  resources.give_to(state_);
  state_.decks = &decks_;
  for (const PortQueue& queue : queues)
    served_.push_back({queue,
                       flags_of(*queue.ingress),
                       KernelGate(queue.kernel),
                       RxStampReader(queue.stamps),
                       ArrivalWindow(queue.since, queue.frames, config.burst),
                       {}});
}

void Worker::run() {
  TableReader reader(tables_, id_);
  IdleWait idle(idle_);
  polls_.store(true, std::memory_order_release);
  while (!stop_.load(std::memory_order_relaxed)) {
    const core::View& view = reader.view();
    unsigned received = 0;
    for (Served& served : served_) received += serve(view, served) + forward(served);
    reader.quiescent();
    if (received > 0) {
      idle.busy();
    } else {
      idle.wait(reader);
    }
  }
}

uint16_t Worker::serve(const core::View& view, Served& served) {
  const PortQueue& queue = served.queue;
  std::array<rte_mbuf*, core::burst_max> mbufs;
  const uint64_t since = served.arrivals.since();
  const uint64_t polled = rte_rdtsc();
  const uint16_t received = rte_eth_rx_burst(queue.port, queue.queue, mbufs.data(), burst_);
  served.arrivals.looked(polled, received);
  if (received == 0) return 0;

  for (uint16_t i = 0; i < received; ++i) rte_prefetch0(rte_pktmbuf_mtod(mbufs[i], void*));
  for (uint16_t i = 0; i < received; ++i) frames_[i] = frame_of(*mbufs[i]);
  read_at_ = clock_.read(state_);
  state_.waited = tsc_.ntp_duration(read_at_ - since);
  state_.delay = queue.receive_delay;
  if (queue.stamps.flag != 0) look_at_stamps(served, mbufs.data(), received);
  core::handle(view, *queue.ingress, state_, std::span(frames_.data(), received));

  std::array<rte_mbuf*, core::burst_max> replies;
  std::array<rte_mbuf*, core::burst_max> punts;
  std::array<rte_mbuf*, core::burst_max> dropped;
  uint16_t reply_count = 0;
  uint16_t punt_count = 0;
  uint16_t drop_count = 0;
  for (uint16_t i = 0; i < received; ++i) {
    switch (frames_[i].verdict) {
    case core::Verdict::reply:
      make_reply(*mbufs[i], frames_[i], served.flags);
      replies[reply_count++] = mbufs[i];
      break;
    case core::Verdict::punt:
      punts[punt_count++] = mbufs[i];
      break;
    case core::Verdict::drop:
      dropped[drop_count++] = mbufs[i];
      break;
    }
  }
  if (reply_count > 0) reply(served, replies.data(), reply_count);
  if (punt_count > 0) served.gate.punt(std::span(punts.data(), punt_count), state_.counters);
  if (punt_count > 0) rte_pktmbuf_free_bulk(punts.data(), punt_count);
  if (drop_count > 0) rte_pktmbuf_free_bulk(dropped.data(), drop_count);
  return received;
}

/// Frames that the device has stamped came then, not when the queue was looked at.
void Worker::look_at_stamps(Served& served, rte_mbuf* const* mbufs, uint16_t count) {
  served.stamps.refresh();
  for (uint16_t i = 0; i < count; ++i)
    if (const auto tsc = served.stamps.received(*mbufs[i], read_at_))
      frames_[i].waited = std::max(tsc_.ntp_duration(read_at_ - *tsc), core::NtpTime{1});
}

/// NTP replies are told when they go out as late as can be: some devices send in the transmit call, so that they leave
/// one after the other while it lasts.
void Worker::reply(Served& served, rte_mbuf** frames, uint16_t count) {
  const PortQueue& queue = served.queue;
  if (state_.departing == 0) {
    send_replies(queue, frames, count);
    return;
  }
  const uint64_t start = rte_rdtsc();
  const core::NtpTime start_time = state_.clock.now + tsc_.ntp_duration(start - read_at_) + queue.transmit_delay;
  const auto apart = [&](uint64_t ticks) { return tsc_.ntp_duration(ticks) / (state_.departing + 1); };
  core::depart(state_, *queue.ingress, start_time, apart(served.transmit_time.expected(count)));
  const uint16_t sent = send_replies(queue, frames, count);
  const uint64_t took = rte_rdtsc() - start;
  if (sent < count) return;
  served.transmit_time.learn(count, took);
  if (state_.interleave != nullptr) core::remember_departures(state_, start_time, apart(took));
}

/// What the kernel sends goes out as it is.
uint16_t Worker::forward(Served& served) {
  std::array<rte_mbuf*, core::burst_max> frames;
  const uint16_t count = served.gate.fetch(std::span(frames.data(), burst_), state_.counters);
  if (count == 0) return 0;
  const uint16_t sent = send(served.queue, frames.data(), count);
  state_.counters.add(core::Counter::kernel_tx, sent);
  state_.counters.add(core::Counter::kernel_tx_refused, static_cast<uint64_t>(count - sent));
  return count;
}

uint16_t Worker::send_replies(const PortQueue& queue, rte_mbuf** frames, uint16_t count) {
  const uint16_t sent = send(queue, frames, count);
  if (sent < count) state_.counters.add(core::Counter::tx_refused, static_cast<uint64_t>(count - sent));
  return sent;
}

/// Returns how many were sent; the others are freed.
uint16_t Worker::send(const PortQueue& queue, rte_mbuf** frames, uint16_t count) {
  uint16_t sent = rte_eth_tx_burst(queue.port, queue.queue, frames, count);
  for (int attempt = 1; sent < count && attempt < tx_attempts; ++attempt) {
    rte_pause();
    sent = static_cast<uint16_t>(
        sent + rte_eth_tx_burst(queue.port, queue.queue, frames + sent, static_cast<uint16_t>(count - sent)));
  }
  if (sent < count) rte_pktmbuf_free_bulk(frames + sent, static_cast<unsigned>(count - sent));
  return sent;
}

} // namespace anytick::io
