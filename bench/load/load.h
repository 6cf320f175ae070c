#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/load/histogram.h"
#include "bench/load/pace.h"
#include "bench/load/traffic.h"

struct rte_mbuf;
struct rte_mempool;

namespace anytick::bench {

struct LoadOptions {
  double rate = 0; ///< frames a second; 0: as many as the window lets
  double seconds = 1;
  uint32_t window = 0;      ///< most that are unanswered at a time, up to window_max; 0: 1024, with a rate window_max
  bool skip_late = false;   ///< with a rate: leave out what is late instead of sending it at once
  double timeout = 0.5;     ///< seconds after which a frame is lost
  uint32_t check_every = 1; ///< one of so many replies is looked into; the others are matched to what they answer
};

struct LoadReport {
  uint64_t sent = 0;     ///< of which a reply is expected
  uint64_t garbage = 0;  ///< sent, of which no reply is expected
  uint64_t answered = 0; ///< in time, right or wrong
  uint64_t checked = 0;  ///< of them
  uint64_t wrong = 0;
  uint64_t lost = 0;
  uint64_t unsent = 0;  ///< frames that were due by the rate and never sent, whether one expects replies or not
  uint64_t unasked = 0; ///< late, second or to none of our frames
  double seconds = 0;   ///< of sending
  Histogram cycles;     ///< of the TSC, to its reply's burst from when a frame was due, or sent without a rate
  std::vector<std::string> faults; ///< of the first wrong ones
};

/// Sends over queue 0 of a started port from this thread, and receives there. One run.
class Load {
 public:
  Load(const LoadOptions& options, Traffic& traffic, uint16_t port, rte_mempool* pool);
  /// Returns early when `stopped`. A line to stderr every second.
  LoadReport run(const std::atomic<bool>& stopped);

 private:
  struct Slot {
    uint64_t due = 0; // TSC
    uint64_t sent_at = 0;
    uint32_t number = 0;
    bool waiting = false;
  };
  uint16_t sendable(uint64_t now);
  void send(uint16_t count);
  void note_sent(uint32_t number, bool expects, uint64_t now);
  bool goes_on(double elapsed) const;
  void receive();
  void take(const rte_mbuf& mbuf, uint64_t now);
  void look_into(uint32_t number, const Datagram& reply);
  void settle(Slot& slot);
  void lose(Slot& slot);
  void expire(uint64_t now);
  void show_progress(double elapsed);

  const LoadOptions& options_;
  Traffic& traffic_;
  uint16_t port_;
  rte_mempool* pool_;
  uint64_t timeout_cycles_;
  uint32_t window_;
  std::optional<Pace> pace_; // with a rate
  std::vector<Slot> slots_ = std::vector<Slot>(window_max);
  uint32_t next_ = 0;   // number, modulo numbers
  uint32_t oldest_ = 0; // that may still wait
  uint32_t waiting_ = 0;
  Histogram of_second_; // cycles of the replies since the last line
  LoadReport report_;
};

} // namespace anytick::bench
