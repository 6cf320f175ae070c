#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace anytick::bench {

/// The schedule of a fixed rate, by a clock of `hz` ticks a second: a burst every millisecond, or more often where that
/// would be more than burst_max frames. A frame is due at its place in it, however late those before it were.
class Pace {
 public:
  static constexpr uint32_t burst_max = 32;

  Pace(double rate, double seconds, double hz, uint64_t begin)
      : burst_(static_cast<uint32_t>(std::clamp(rate / 1000, 1.0, double{burst_max}))), step_(burst_ * hz / rate),
        begin_(begin), bursts_(static_cast<uint64_t>(std::ceil(seconds * rate / burst_))) {}

  /// Frames that are due by then, and neither sent nor skipped.
  uint64_t owed(uint64_t now) const { return due_by(now) - next_; }

  /// When the frame is due that is sent next, or so many after it.
  uint64_t due(uint64_t after = 0) const {
    return begin_ + static_cast<uint64_t>(static_cast<double>((next_ + after) / burst_) * step_);
  }

  void sent(uint64_t count) { next_ += count; }

  /// Leaves out what is late by more than a few bursts.
  void skip_late(uint64_t now) {
    const uint64_t most = uint64_t{4} * burst_, late = owed(now);
    if (late <= most) return;
    next_ += late - most;
    skipped_ += late - most;
  }

  /// Frames that were due by then and never sent, if none is from now on.
  uint64_t unsent(uint64_t now) const { return skipped_ + owed(now); }

 private:
  uint64_t due_by(uint64_t now) const {
    const auto begun = static_cast<uint64_t>(static_cast<double>(now - begin_) / step_) + 1;
    return std::min(begun, bursts_) * burst_;
  }

  uint32_t burst_;
  double step_; // ticks from burst to burst
  uint64_t begin_;
  uint64_t bursts_;
  uint64_t next_ = 0; // frame, by its place in the schedule
  uint64_t skipped_ = 0;
};

} // namespace anytick::bench
