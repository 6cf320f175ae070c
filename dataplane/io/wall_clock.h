#pragma once

#include <cstdint>
#include <ctime>

#include "dataplane/core/clock.h"
#include "dataplane/core/view.h"

namespace anytick::io {

inline int64_t nanoseconds_of(const timespec& time) {
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

struct WallReading {
  core::WallTime wall;
  uint64_t tsc = 0; ///< just before
};

/// Both clocks at one moment, by the vDSO: no system call where the kernel's clock source is the TSC.
WallReading read_wall_clock();

/// The clocks of one thread that answers.
class WallClock {
 public:
  /// The cell outlives it; null: there is no clock to be told of.
  explicit WallClock(const core::ClockCell* cell) : cell_(cell) {}

  /// Sets what the worker knows of time, but how long frames waited. Returns the TSC then.
  uint64_t read(core::WorkerState& worker);

 private:
  const core::ClockCell* cell_;
  uint64_t version_ = UINT64_MAX; ///< of the state that the worker has; none has this one
};

} // namespace anytick::io
