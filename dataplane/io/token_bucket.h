#pragma once

#include <algorithm>
#include <cstdint>

namespace anytick::io {

/// Lets `rate` pass a second, and `burst` at once after a pause. Ticks are those of any steady clock, and an argument.
/// One thread.
class TokenBucket {
 public:
  /// 0 < rate <= ticks_per_second; 0 < burst. It begins full.
  TokenBucket(uint64_t rate, uint32_t burst, uint64_t ticks_per_second)
      : price_(ticks_per_second / rate), credit_max_(price_ * burst), credit_(credit_max_) {}

  /// How many of `wanted` may pass at the tick `now`, which is not before the last call's.
  uint32_t take(uint32_t wanted, uint64_t now) {
    credit_ = std::min(credit_max_ - credit_, now - last_) + credit_;
    last_ = now;
    const auto taken = static_cast<uint32_t>(std::min<uint64_t>(wanted, credit_ / price_));
    credit_ -= taken * price_;
    return taken;
  }

 private:
  uint64_t price_; ///< ticks that one costs
  uint64_t credit_max_;
  uint64_t credit_;
  uint64_t last_ = 0;
};

} // namespace anytick::io
