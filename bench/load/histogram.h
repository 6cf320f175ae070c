#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace anytick::bench {

/// Counts of values, in steps of at most 1/64 of the value: below 64 each has its own. One thread.
class Histogram {
 public:
  void add(uint64_t value) {
    ++counts_[step_of(value)];
    ++total_;
    if (value > max_) max_ = value;
  }

  void add(const Histogram& other);

  uint64_t total() const { return total_; }
  uint64_t max() const { return max_; }

  /// The least value that at least `share` (0..1) of all values do not exceed, rounded up to its step's end, at most
  /// max(). 0 when there is none.
  uint64_t quantile(double share) const;

 private:
  static constexpr unsigned step_bits = 6;
  static constexpr size_t steps = (64 - step_bits + 1) << step_bits;

  static size_t step_of(uint64_t value) {
    const auto above = static_cast<unsigned>(std::bit_width(value >> step_bits)); // bits that do not count
    if (above == 0) return static_cast<size_t>(value);
    // The leading bit of what is left is the same in all steps of a power of two.
    return (static_cast<size_t>(above - 1) << step_bits) + static_cast<size_t>(value >> (above - 1));
  }
  static uint64_t last_of(size_t step);

  std::array<uint64_t, steps> counts_{};
  uint64_t total_ = 0;
  uint64_t max_ = 0;
};

} // namespace anytick::bench
