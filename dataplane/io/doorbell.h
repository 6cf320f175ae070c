#pragma once

#include <atomic>

#include <sys/eventfd.h>
#include <unistd.h>

namespace anytick::io {

/// Wakes one thread that sleeps. Ringing costs a fence and a load, and a system call only if the thread says that it
/// sleeps.
class Doorbell {
 public:
  Doorbell() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
  Doorbell(const Doorbell&) = delete;
  Doorbell& operator=(const Doorbell&) = delete;
  ~Doorbell() { ::close(fd_); }

  /// Becomes readable. To be watched edge-triggered, as nobody reads it.
  int fd() const { return fd_; }

  /// Any thread, after it made the work visible. Of ring() and doze() at the same time, ring() sees the sleeper or the
  /// sleeper sees the work.
  void ring() {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (dozes_.load(std::memory_order_relaxed) && dozes_.exchange(false, std::memory_order_relaxed)) wake();
  }
  void wake() { ::eventfd_write(fd_, 1); }

  /// The sleeper, before it looks for work for the last time.
  void doze() {
    dozes_.store(true, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
  }
  void rise() { dozes_.store(false, std::memory_order_relaxed); }

 private:
  int fd_;
  std::atomic<bool> dozes_{false};
};

} // namespace anytick::io
