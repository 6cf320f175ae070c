#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_ring.h>

#include "dataplane/core/counters.h"
#include "dataplane/core/path.h"
#include "dataplane/io/doorbell.h"
#include "dataplane/io/punt_class.h"
#include "dataplane/io/token_bucket.h"
#include "geo/refusal.h"

namespace anytick::io {

/// Frames between a port's workers and the kernel path's thread, bounded both ways. To the kernel each class has a ring
/// and mbufs of its own, as many workers may have a burst of another at once. They cross as copies in mbufs of the
/// lane's own pools: the thread, which the scheduler may stop at any instruction, shares no end of a ring with
/// a worker, so no worker ever waits for it, and a port's receive pool is never short because of the kernel. That holds
/// for the pools, which are rings too: of each, one side only takes mbufs and the other only gives them back.
class KernelLane {
 public:
  static constexpr unsigned ring_frames = 1024;
  /// Of the way to the kernel. Classes but PuntClass::other have lower rates.
  static constexpr unsigned punt_ring_frames(PuntClass which) {
    return which == PuntClass::other ? ring_frames : ring_frames / 2;
  }

  /// Frames of up to `frame_bytes` are copied to one segment; `device_mbufs` are those that the twin's driver keeps of
  /// kernel_pool(). The bell outlives the lane.
  static Result<std::unique_ptr<KernelLane>> create(uint16_t port, uint32_t frame_bytes, uint32_t device_mbufs,
                                                    Doorbell& bell);
  KernelLane(const KernelLane&) = delete;
  KernelLane& operator=(const KernelLane&) = delete;
  ~KernelLane();

  /// Any worker: hands copies of frames of one class to the thread. Returns of how many; the others found no room. The
  /// frames stay the caller's.
  unsigned punt(PuntClass which, std::span<rte_mbuf* const> frames);
  /// One worker, always the same: what the kernel sends. The caller frees it.
  unsigned fetch(std::span<rte_mbuf*> frames);

  // The thread's side.
  /// What keeps the POP reachable first.
  unsigned take_punts(std::span<rte_mbuf*> frames);
  bool has_punts() const;
  /// How many frames of the kernel can be given now.
  unsigned room() const { return rte_ring_free_count(from_kernel_); }
  /// Precondition: there is room. The frames are from kernel_pool() and no longer the caller's.
  void give(std::span<rte_mbuf*> frames);
  rte_mempool* kernel_pool() const { return kernel_pool_; }

 private:
  explicit KernelLane(Doorbell& bell) : bell_(bell) {}

  /// Frames of one class for the kernel.
  struct Punts {
    rte_ring* ring = nullptr;
    rte_mempool* pool = nullptr; ///< workers take, the thread gives back
  };

  Doorbell& bell_;
  std::array<Punts, punt_classes> punts_; ///< by PuntClass
  rte_ring* from_kernel_ = nullptr;
  rte_mempool* kernel_pool_ = nullptr; ///< the thread takes, a worker gives back
};

/// A worker's share of a port's kernel path. By default there is none.
struct KernelShare {
  KernelLane* lane = nullptr;
  uint64_t frames_per_second = 0; ///< towards the kernel, > 0 if there is a lane
  rte_mempool* pool = nullptr;    ///< of the worker's queue, set for the one that sends for the kernel
};

/// A worker's way to the kernel and back, by one port. The worker's thread only.
class KernelGate {
 public:
  explicit KernelGate(const KernelShare& share);

  /// Hands over what the rate limit of each class lets pass, and counts every frame. The frames stay the caller's.
  void punt(std::span<rte_mbuf* const> frames, core::Counters& counters);
  /// What the kernel sends, at most frames.size(), as mbufs of the worker's own pool.
  uint16_t fetch(std::span<rte_mbuf*> frames, core::Counters& counters);

 private:
  /// A flood may begin anew with so many. Of many workers these may be more than their class has room for.
  static constexpr uint64_t burst_max = KernelLane::ring_frames / 4;

  /// The rate is for frames of PuntClass::other; the other classes have a quarter of it each on top.
  static TokenBucket limit_of(const KernelShare& share, PuntClass which);

  KernelShare share_;
  std::array<TokenBucket, punt_classes> limits_;
};

} // namespace anytick::io
