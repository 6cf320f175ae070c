#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace anytick::io {

/// How long it takes from the last look at the clock until replies have gone out, as a port does it: learnt from each
/// burst for the next. By size of burst, since some devices send in the transmit call, one frame after the other.
/// Of what was seen it keeps the median, which a preemption now and then does not move. One thread.
class TransmitTime {
 public:
  /// In the unit of learn(), of a burst of `frames`; 0 before anything was learnt.
  uint64_t expected(size_t frames) const { return medians_[index(frames)]; }

  void learn(size_t frames, uint64_t took) {
    uint64_t& median = medians_[index(frames)];
    if (median == 0) median = took;
    const uint64_t step = median / 16 + 1;
    median = took > median ? std::min(median + step, took) : std::max(median - std::min(step, median), took);
  }

 private:
  static constexpr size_t sizes = 8; ///< powers of two up to 128
  static size_t index(size_t frames) {
    return std::min<size_t>(static_cast<size_t>(std::bit_width(frames)), sizes - 1);
  }

  std::array<uint64_t, sizes> medians_{};
};

} // namespace anytick::io
