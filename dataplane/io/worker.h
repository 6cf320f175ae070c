#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include <rte_common.h>
#include <rte_mbuf.h>

#include "dataplane/config.h"
#include "dataplane/core/deck.h"
#include "dataplane/core/path.h"
#include "dataplane/io/arrival_window.h"
#include "dataplane/io/kernel_lane.h"
#include "dataplane/io/port_clock.h"
#include "dataplane/io/tables.h"
#include "dataplane/io/thread_resources.h"
#include "dataplane/io/transmit_time.h"
#include "dataplane/io/tsc.h"
#include "dataplane/io/wall_clock.h"

namespace anytick::io {

/// One worker's queue pair of a port. The ingress and the kernel lane outlive the worker.
struct PortQueue {
  uint16_t port = 0;
  uint16_t queue = 0;
  const core::Ingress* ingress = nullptr;
  KernelShare kernel;
  RxStamps stamps = {};
  core::NtpTime receive_delay = 0;  ///< that frames without a stamp have behind them when they can be received
  core::NtpTime transmit_delay = 0; ///< that they have before them when the transmit call has returned
  uint64_t since = 0;               ///< TSC: no frame came before
  uint32_t frames = 1024;           ///< that wait to be received at most
};

/// What mbufs of replies ask the device for.
struct ReplyFlags {
  uint64_t ipv4, ipv6;
};

/// Polls its queues and answers what comes. Construction, stop() and counters() are for the control thread, run() for
/// the worker's lcore.
class Worker {
 public:
  /// `id` is below the number of readers of `tables`. The seed is of the draws.
  Worker(unsigned id, unsigned core, const WorkersConfig& config, std::vector<PortQueue> queues, Tables& tables,
         uint64_t seed, const ThreadResources& resources = {});

  /// Until stop().
  void run();
  void stop() { stop_.store(true, std::memory_order_relaxed); }

  bool polls() const { return polls_.load(std::memory_order_acquire); }
  unsigned core() const { return core_; }
  const core::Counters& counters() const { return state_.counters; }

 private:
  /// A queue pair and the way from it to the kernel. Written at each look at the queue, in lines of its own: another
  /// worker's may lie beside it.
  struct alignas(RTE_CACHE_LINE_SIZE) Served {
    PortQueue queue;
    ReplyFlags flags;
    KernelGate gate;
    RxStampReader stamps;
    ArrivalWindow arrivals;
    TransmitTime transmit_time;
  };

  uint16_t serve(const core::View& view, Served& served);
  void look_at_stamps(Served& served, rte_mbuf* const* mbufs, uint16_t count);
  uint16_t forward(Served& served);
  void reply(Served& served, rte_mbuf** frames, uint16_t count);
  uint16_t send_replies(const PortQueue& queue, rte_mbuf** frames, uint16_t count);
  static uint16_t send(const PortQueue& queue, rte_mbuf** frames, uint16_t count);

  const unsigned id_;
  const unsigned core_;
  const uint16_t burst_;
  const Idle idle_;
  std::vector<Served> served_;
  Tables& tables_;
  const TscScale tsc_;
  WallClock clock_;
  uint64_t read_at_ = 0; ///< TSC at the last reading of the clock
  core::Decks decks_;
  core::WorkerState state_;
  std::array<core::Frame, core::burst_max> frames_;
  alignas(64) std::atomic<bool> stop_{false};
  std::atomic<bool> polls_{false};
};

} // namespace anytick::io
