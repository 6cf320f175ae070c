#pragma once

#include <array>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "dataplane/config.h"
#include "dataplane/core/limit.h"
#include "dataplane/io/table_memory.h"

namespace anytick::io {

/// `monotonic` is CLOCK_MONOTONIC, nanoseconds.
core::Ticks ticks_at(int64_t monotonic);

/// The limiters of all threads that answer, and their memory, which is all taken at the start. Control thread; each
/// limiter is for its own thread.
class Limits {
 public:
  /// For the workers, of which each gets its share of rates and memory, and one more thread, which gets as much.
  /// The memory of each is on its node. `spread`: frames of one source may come to any of the workers, so that a rate
  /// is shared out among them.
  static Result<std::unique_ptr<Limits>> make(const LimitConfig& config, unsigned workers, bool spread,
                                              const ThreadNodes& nodes = {});
  Limits(const Limits&) = delete;
  Limits& operator=(const Limits&) = delete;

  core::Limiter& of(unsigned thread) { return threads_[thread]->limiter; }
  /// Logs who was over his rate since the last call: at most one source of each thread.
  void log_reports();

 private:
  struct alignas(64) Thread { // lines of its own, as a limiter counts what it forgot
    Thread(TableMemory held, const core::LimitRules& rules, std::span<core::Limiter::Line> lines,
           const std::array<uint64_t, 2>& secret)
        : memory(std::move(held)), limiter(rules, lines, secret) {}
    TableMemory memory;
    core::Limiter limiter;
  };

  Limits() = default;

  std::vector<std::unique_ptr<Thread>> threads_;
};

} // namespace anytick::io
