#include "dataplane/io/wall_clock.h"

#include <rte_cycles.h>

#include "dataplane/io/rate_limits.h"

namespace anytick::io {
namespace {

/// The two clocks are read one after the other: what comes between, a preemption, would look like a step of the clock.
/// In TSC cycles: more than readings take, less than a preemption does.
constexpr uint64_t reading_max = 30'000;
constexpr int attempts = 4;

int64_t read_clock(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return nanoseconds_of(now);
}

} // namespace

WallReading read_wall_clock() {
  WallReading reading;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    reading.tsc = rte_rdtsc();
    reading.wall.monotonic = read_clock(CLOCK_MONOTONIC);
    reading.wall.realtime = read_clock(CLOCK_REALTIME);
    if (rte_rdtsc() - reading.tsc < reading_max) break;
  }
  return reading;
}

uint64_t WallClock::read(core::WorkerState& worker) {
  const WallReading reading = read_wall_clock();
  worker.wall = reading.wall;
  worker.now = static_cast<uint32_t>(worker.wall.realtime / 1'000'000'000);
  worker.ticks = ticks_at(worker.wall.monotonic);
  if (cell_ == nullptr) return reading.tsc;
  if (const uint64_t version = cell_->version(); version != version_ && cell_->load(worker.clock_state))
    version_ = version;
  return reading.tsc;
}

} // namespace anytick::io
