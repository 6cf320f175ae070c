#include "bench/load/histogram.h"

#include <algorithm>
#include <cmath>

namespace anytick::bench {

uint64_t Histogram::last_of(size_t step) {
  const size_t row = step >> step_bits;
  if (row < 2) return step;
  const unsigned shift = static_cast<unsigned>(row - 1);
  const uint64_t lead = step - (size_t{shift} << step_bits);
  return (lead << shift) + ((uint64_t{1} << shift) - 1);
}

void Histogram::add(const Histogram& other) {
  for (size_t step = 0; step < steps; ++step) counts_[step] += other.counts_[step];
  total_ += other.total_;
  max_ = std::max(max_, other.max_);
}

uint64_t Histogram::quantile(double share) const {
  const auto wanted = std::max<uint64_t>(1, static_cast<uint64_t>(std::ceil(share * static_cast<double>(total_))));
  uint64_t seen = 0;
  for (size_t step = 0; step < steps; ++step) {
    seen += counts_[step];
    if (seen >= wanted) return std::min(last_of(step), max_);
  }
  return max_;
}

} // namespace anytick::bench
