#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "dataplane/config.h"
#include "dataplane/core/clock.h"
#include "dataplane/io/chrony.h"
#include "dataplane/io/clock_tracker.h"
#include "dataplane/io/kernel_clock.h"

namespace anytick::io {

/// log2 of the seconds between two readings of CLOCK_REALTIME that are not the same: what RFC 5905 7.3 calls precision.
int measure_precision();

/// What is known of the clock, for people.
struct ClockStatus {
  std::string source; ///< "chrony", "kernel" or "fixed"
  std::string reason; ///< why it is not synchronised; empty if it is
  core::ClockState state;
};

/// Asks the source of time again and again, on a thread of its own from start() to destruction, which inherits the
/// caller's cores, and publishes what that says. It never sets a clock.
class ClockService {
 public:
  /// `not_before`: CLOCK_REALTIME, nanoseconds; an earlier clock was never set.
  ClockService(const ClockConfig& config, int64_t not_before);
  ClockService(const ClockService&) = delete;
  ClockService& operator=(const ClockService&) = delete;

  void start();
  /// For the threads that answer; lives as long as this.
  const core::ClockCell& cell() const { return cell_; }
  /// Any thread.
  ClockStatus status() const;

 private:
  using Clock = std::chrono::steady_clock;

  void run(const std::stop_token& stop);
  void ask();
  Result<ClockReport> report();
  ClockReport fixed_report() const;
  void publish();

  const ClockConfig config_;
  ChronyClient chrony_;
  KernelClock kernel_;
  ClockTracker tracker_;
  core::ClockCell cell_;
  const Clock::time_point started_ = Clock::now();
  const int64_t fixed_since_; ///< CLOCK_REALTIME, the reference time of a fixed clock
  bool chrony_answered_ = false;
  std::string logged_;

  mutable std::mutex mutex_;
  std::condition_variable_any stopped_;
  ClockStatus status_;
  std::jthread thread_; ///< last: it uses the others
};

} // namespace anytick::io
