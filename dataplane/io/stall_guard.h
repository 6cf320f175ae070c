#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

namespace anytick::io {

/// Calls `give_up` once if a transfer makes no progress for `patience`, or lasts longer than `limit`. A thread of its
/// own, as a synchronous gRPC handler that waits for its client cannot look at a clock.
class StallGuard {
 public:
  StallGuard(std::chrono::milliseconds patience, std::chrono::milliseconds limit, std::function<void()> give_up)
      : thread_([this, patience, limit, give_up = std::move(give_up)](const std::stop_token& stop) {
          watch(stop, patience, limit, give_up);
        }) {}

  void progress() {
    const std::lock_guard lock(mutex_);
    ++steps_;
    changed_.notify_one();
  }
  bool gave_up() const { return gave_up_.load(); }

 private:
  using Clock = std::chrono::steady_clock;

  void watch(const std::stop_token& stop, std::chrono::milliseconds patience, std::chrono::milliseconds limit,
             const std::function<void()>& give_up) {
    const auto end = Clock::now() + limit;
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      const uint64_t seen = steps_;
      const auto until = std::min(Clock::now() + patience, end);
      const bool moved = changed_.wait_until(lock, stop, until, [&] { return steps_ != seen; });
      if (stop.stop_requested() || (moved && Clock::now() < end)) continue;
      gave_up_.store(true);
      give_up();
      return;
    }
  }

  std::mutex mutex_;
  std::condition_variable_any changed_;
  uint64_t steps_ = 0;
  std::atomic<bool> gave_up_{false};
  std::jthread thread_; ///< last: it uses the others
};

} // namespace anytick::io
