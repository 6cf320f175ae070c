#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <random>
#include <vector>

#include "bench/load/histogram.h"

namespace anytick::bench {
namespace {

std::vector<uint64_t> some_values(uint64_t seed) {
  std::printf("seed %lu\n", seed);
  std::mt19937_64 random(seed);
  std::vector<uint64_t> values{0, 1, 63, 64, 127, 128, UINT64_MAX};
  for (int i = 0; i < 10000; ++i) values.push_back(random() >> random() % 64);
  return values;
}

TEST(Histogram, SaysWhatSortingWould) {
  std::vector<uint64_t> values = some_values(7);
  Histogram histogram;
  for (const uint64_t value : values) histogram.add(value);
  std::sort(values.begin(), values.end());
  EXPECT_EQ(histogram.total(), values.size());
  EXPECT_EQ(histogram.max(), values.back());
  for (const double share : {0.01, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(values.size())));
    const uint64_t right = values[rank - 1], said = histogram.quantile(share);
    EXPECT_GE(said, right) << share;
    EXPECT_LE(said - right, right / 64) << share;
  }
}

TEST(Histogram, OfNothing) {
  EXPECT_EQ(Histogram().quantile(0.5), 0u);
}

TEST(Histogram, TwoAreAsOne) {
  Histogram all, odd, even;
  for (const uint64_t value : some_values(8)) {
    all.add(value);
    (value % 2 == 0 ? even : odd).add(value);
  }
  odd.add(even);
  EXPECT_EQ(odd.total(), all.total());
  EXPECT_EQ(odd.max(), all.max());
  for (const double share : {0.1, 0.5, 0.999}) EXPECT_EQ(odd.quantile(share), all.quantile(share)) << share;
}

} // namespace
} // namespace anytick::bench
