#include "dataplane/io/kernel_lane.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <string>

#include <fmt/format.h>
#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_lcore.h>

namespace anytick::io {
namespace {

/// The order in which the thread takes them.
constexpr std::array by_worth{PuntClass::network, PuntClass::icmp, PuntClass::other};
constexpr std::array<const char*, punt_classes> class_names{"other", "network", "icmp"};

/// A full ring, and a burst in hand at either end.
constexpr uint32_t kernel_mbufs = KernelLane::ring_frames + 2 * uint32_t{core::burst_max};

/// Without caches: a worker's would keep mbufs that its pool has no more of.
rte_mempool* make_pool(const std::string& name, uint32_t mbufs, uint32_t frame_bytes) {
  const auto room = static_cast<uint16_t>(RTE_PKTMBUF_HEADROOM + RTE_ALIGN_CEIL(frame_bytes, RTE_CACHE_LINE_SIZE));
  return rte_pktmbuf_pool_create(name.c_str(), mbufs, 0, 0, room, static_cast<int>(rte_socket_id()));
}

rte_ring* make_ring(const std::string& name, unsigned frames, unsigned flags) {
  return rte_ring_create(name.c_str(), frames, static_cast<int>(rte_socket_id()), flags);
}

/// A copy that says nothing of what a device said of the original.
rte_mbuf* copy_of(const rte_mbuf& frame, rte_mempool* pool) {
  rte_mbuf* copy = rte_pktmbuf_copy(&frame, pool, 0, UINT32_MAX);
  if (copy != nullptr) copy->ol_flags = 0;
  return copy;
}

} // namespace

Result<std::unique_ptr<KernelLane>> KernelLane::create(uint16_t port, uint32_t frame_bytes, uint32_t device_mbufs,
                                                       Doorbell& bell) {
  std::unique_ptr<KernelLane> lane(new KernelLane(bell));
  const std::string name = fmt::format("kernel{}", port);
  bool made = true;
  for (const PuntClass which : by_worth) {
    const auto index = static_cast<size_t>(which);
    const unsigned frames = punt_ring_frames(which);
    auto& [ring, pool] = lane->punts_[index];
    ring = make_ring(name + ".to." + class_names[index], frames, RING_F_SC_DEQ);
    // As many as the ring has room for: a copy that was made is never given back for want of it.
    pool = make_pool(name + "." + class_names[index], frames - 1, frame_bytes);
    made = made && ring != nullptr && pool != nullptr;
  }
  lane->from_kernel_ = make_ring(name + ".from", ring_frames, RING_F_SP_ENQ | RING_F_SC_DEQ);
  lane->kernel_pool_ = make_pool(name + ".sends", kernel_mbufs + device_mbufs, frame_bytes);
  if (!made || lane->from_kernel_ == nullptr || lane->kernel_pool_ == nullptr) {
    return Refusal{fmt::format("kernel path of port {}", port), "",
                   fmt::format("mbufs and rings do not fit into eal.memory_mb: {}", rte_strerror(rte_errno))};
  }
  return lane;
}

KernelLane::~KernelLane() {
  std::array<rte_mbuf*, core::burst_max> left;
  while (const unsigned count = take_punts(left)) rte_pktmbuf_free_bulk(left.data(), count);
  if (from_kernel_ != nullptr)
    while (const unsigned count = fetch(left)) rte_pktmbuf_free_bulk(left.data(), count);
  for (const auto& [ring, pool] : punts_) {
    rte_ring_free(ring);
    rte_mempool_free(pool);
  }
  rte_ring_free(from_kernel_);
  rte_mempool_free(kernel_pool_);
}

unsigned KernelLane::punt(PuntClass which, std::span<rte_mbuf* const> frames) {
  assert(frames.size() <= core::burst_max);
  const auto& [ring, pool] = punts_[static_cast<size_t>(which)];
  std::array<rte_mbuf*, core::burst_max> copies;
  unsigned count = 0;
  for (const rte_mbuf* frame : frames) {
    copies[count] = copy_of(*frame, pool);
    if (copies[count] == nullptr) break;
    ++count;
  }
  if (count == 0) return 0;
  [[maybe_unused]] const unsigned taken =
      rte_ring_enqueue_bulk(ring, reinterpret_cast<void**>(copies.data()), count, nullptr);
  assert(taken == count);
  bell_.ring();
  return count;
}

unsigned KernelLane::fetch(std::span<rte_mbuf*> frames) {
  return rte_ring_dequeue_burst(from_kernel_, reinterpret_cast<void**>(frames.data()),
                                static_cast<unsigned>(frames.size()), nullptr);
}

unsigned KernelLane::take_punts(std::span<rte_mbuf*> frames) {
  unsigned count = 0;
  for (const PuntClass which : by_worth) {
    rte_ring* ring = punts_[static_cast<size_t>(which)].ring;
    if (ring == nullptr) continue;
    const std::span<rte_mbuf*> rest = frames.subspan(count);
    count += rte_ring_dequeue_burst(ring, reinterpret_cast<void**>(rest.data()), static_cast<unsigned>(rest.size()),
                                    nullptr);
  }
  return count;
}

bool KernelLane::has_punts() const {
  return std::ranges::any_of(punts_, [](const Punts& punts) { return rte_ring_empty(punts.ring) == 0; });
}

void KernelLane::give(std::span<rte_mbuf*> frames) {
  [[maybe_unused]] const unsigned given = rte_ring_enqueue_bulk(from_kernel_, reinterpret_cast<void**>(frames.data()),
                                                                static_cast<unsigned>(frames.size()), nullptr);
  assert(given == frames.size());
}

TokenBucket KernelGate::limit_of(const KernelShare& share, PuntClass which) {
  const uint64_t rate = std::max<uint64_t>(share.frames_per_second / (which == PuntClass::other ? 1 : 4), 1);
  return {rate, static_cast<uint32_t>(std::min(rate, burst_max)), rte_get_tsc_hz()};
}

KernelGate::KernelGate(const KernelShare& share)
    : share_(share), limits_{limit_of(share, PuntClass::other), limit_of(share, PuntClass::network),
                             limit_of(share, PuntClass::icmp)} {}

void KernelGate::punt(std::span<rte_mbuf* const> frames, core::Counters& counters) {
  using core::Counter;
  const auto count = static_cast<uint32_t>(frames.size());
  if (share_.lane == nullptr) {
    counters.add(Counter::drop_no_kernel_path, count);
    return;
  }
  const uint64_t now = rte_rdtsc();
  std::array<std::array<rte_mbuf*, core::burst_max>, punt_classes> passing;
  std::array<uint32_t, punt_classes> passing_count{};
  for (rte_mbuf* frame : frames) {
    const auto which = static_cast<size_t>(punt_class({rte_pktmbuf_mtod(frame, const uint8_t*), frame->data_len}));
    if (limits_[which].take(1, now) > 0) passing[which][passing_count[which]++] = frame;
  }
  uint32_t allowed = 0, taken = 0;
  for (const PuntClass which : by_worth) {
    const auto index = static_cast<size_t>(which);
    if (passing_count[index] == 0) continue;
    allowed += passing_count[index];
    taken += share_.lane->punt(which, std::span(passing[index].data(), passing_count[index]));
  }
  counters.add(Counter::punted, taken);
  counters.add(Counter::drop_kernel_limit, count - allowed);
  counters.add(Counter::drop_kernel_full, allowed - taken);
}

uint16_t KernelGate::fetch(std::span<rte_mbuf*> frames, core::Counters& counters) {
  if (share_.pool == nullptr) return 0;
  const unsigned fetched = share_.lane->fetch(frames);
  if (fetched == 0) return 0;
  std::array<rte_mbuf*, core::burst_max> originals;
  std::copy_n(frames.begin(), fetched, originals.begin());
  uint16_t count = 0;
  for (unsigned i = 0; i < fetched; ++i) {
    // What a queue sends is of its own pool, which devices that free a whole burst at once depend on.
    frames[count] = copy_of(*originals[i], share_.pool);
    if (frames[count] != nullptr) ++count;
  }
  rte_pktmbuf_free_bulk(originals.data(), fetched);
  counters.add(core::Counter::kernel_tx_refused, fetched - count);
  return count;
}

} // namespace anytick::io
