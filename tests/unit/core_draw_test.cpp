#include "dataplane/core/draw.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

namespace anytick::core {
namespace {

struct Tables {
  explicit Tables(std::vector<uint32_t> from)
      : weights(std::move(from)), values(weights.size()), slots(weights.size()), before(weights.size() + 1) {
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<uint32_t>(1000 + i);
    build_draw(weights, values, slots, before);
  }
  DrawView view() const { return {slots.data(), before.data(), static_cast<uint32_t>(slots.size())}; }
  double total() const { return static_cast<double>(before.back()); }

  std::vector<uint32_t> weights, values;
  std::vector<DrawSlot> slots;
  std::vector<uint64_t> before;
};

/// What the alias table gives each record, computed from its columns.
std::vector<double> probabilities(const Tables& tables) {
  std::vector<double> result(tables.weights.size());
  const double column = 1.0 / static_cast<double>(result.size());
  for (size_t i = 0; i < result.size(); ++i) {
    const double own = static_cast<double>(tables.slots[i].threshold_alias >> 16) / 0x1p48;
    const size_t alias = tables.slots[i].threshold_alias & 0xffff;
    if (alias == i) {
      result[i] += column;
    } else {
      result[i] += own * column;
      result[alias] += (1 - own) * column;
    }
  }
  return result;
}

std::vector<uint32_t> pool_weights(size_t count, uint64_t seed) {
  constexpr uint32_t steps[] = {512,    1500,   3000,   6000,    12000,   25000,   50000,
                                100000, 250000, 500000, 1000000, 1500000, 2000000, 3000000};
  Random random(seed);
  std::vector<uint32_t> weights;
  for (size_t i = 0; i < count; ++i) weights.push_back(steps[random.next() % std::size(steps)]);
  return weights;
}

struct WeightCase {
  const char* name;
  std::vector<uint32_t> weights;
};

std::vector<WeightCase> weight_cases() {
  std::vector<uint32_t> tail(20, UINT32_MAX);
  tail.push_back(80); // about 1e-9 of the sum
  return {
      {"One", {7}},
      {"Equal", std::vector<uint32_t>(100, 5)},
      {"Pool", pool_weights(4000, 11)},
      {"GiantAndDwarfs", {3000000, 512, 512, 512}},
      {"GiantAndManyDwarfs",
       [] {
         std::vector<uint32_t> w(200, 1);
         w[77] = 3000000;
         return w;
       }()},
      {"SumBeyond32Bits", std::vector<uint32_t>(60000, 3000000)},
      {"OneInABillion", tail},
      {"Most", pool_weights(draw_candidates_max, 12)},
  };
}

class Weights : public testing::TestWithParam<WeightCase> {};

TEST_P(Weights, TableAgreesToOneInAMillion) {
  const Tables tables(GetParam().weights);
  const auto p = probabilities(tables);
  for (size_t i = 0; i < p.size(); ++i) {
    const double expected = tables.weights[i] / tables.total();
    ASSERT_NEAR(p[i] / expected, 1, 1e-6) << i;
  }
}

TEST_P(Weights, DrawsAreDistinctAndCarryTheirValues) {
  const Tables tables(GetParam().weights);
  Random random(3);
  for (int round = 0; round < 2000; ++round)
    for (const unsigned k : {1u, 4u, draw_records_max}) {
      Drawn drawn;
      draw(tables.view(), k, random, drawn);
      ASSERT_EQ(drawn.count, std::min<size_t>(k, tables.weights.size()));
      const std::set<uint32_t> distinct(drawn.indices, drawn.indices + drawn.count);
      ASSERT_EQ(distinct.size(), drawn.count);
      for (unsigned i = 0; i < drawn.count; ++i) ASSERT_EQ(drawn.values[i], tables.values[drawn.indices[i]]);
    }
}

INSTANTIATE_TEST_SUITE_P(Draw, Weights, testing::ValuesIn(weight_cases()), [](const auto& i) { return i.param.name; });

/// Probability of each ordered pair under sequential weighted sampling.
double pair_probability(const Tables& tables, size_t first, size_t second) {
  const double w1 = tables.weights[first], w2 = tables.weights[second];
  return w1 / tables.total() * w2 / (tables.total() - w1);
}

// Ordered pairs against their exact probabilities, by chi-square: once where proposals suffice, once where everything
// is searched, once where rejections run out on a giant.
TEST(Distribution, OrderedPairs) {
  const std::vector<std::vector<uint32_t>> sets{
      {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, {5, 1, 3}, {1000, 10, 10, 10, 10, 20, 20, 30, 40, 50, 60, 70}};
  for (const auto& weights : sets) {
    const Tables tables(weights);
    const uint64_t seed = 20261122;
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    constexpr int draws = 400000;
    std::vector<int> seen(weights.size() * weights.size());
    for (int i = 0; i < draws; ++i) {
      Drawn drawn;
      draw(tables.view(), 2, random, drawn);
      ++seen[drawn.indices[0] * weights.size() + drawn.indices[1]];
    }
    double chi = 0;
    int cells = 0;
    for (size_t a = 0; a < weights.size(); ++a)
      for (size_t b = 0; b < weights.size(); ++b) {
        if (a == b) continue;
        const double expected = draws * pair_probability(tables, a, b);
        ASSERT_GT(expected, 20);
        const double off = seen[a * weights.size() + b] - expected;
        chi += off * off / expected;
        ++cells;
      }
    // Wilson-Hilferty: chi-square / df to the third root is about normal.
    const double df = cells - 1;
    const double z = (std::cbrt(chi / df) - (1 - 2 / (9 * df))) / std::sqrt(2 / (9 * df));
    EXPECT_LT(std::abs(z), 4) << "chi-square " << chi << " with " << df << " degrees of freedom";
  }
}

// A giant wins nearly every proposal; the dwarfs must come in their exact shares all the same.
TEST(Distribution, DwarfsBesideAGiant) {
  std::vector<uint32_t> weights(12, 512);
  weights[5] = 3000000;
  weights[6] = 1024;
  const Tables tables(weights);
  Random random(5);
  constexpr int draws = 200000;
  int giant_first = 0, double_second = 0;
  for (int i = 0; i < draws; ++i) {
    Drawn drawn;
    draw(tables.view(), 4, random, drawn);
    giant_first += drawn.indices[0] == 5;
    double_second += drawn.indices[0] == 5 && drawn.indices[1] == 6;
  }
  const double p = 3000000 / tables.total();
  EXPECT_NEAR(giant_first, draws * p, 4 * std::sqrt(draws * p * (1 - p)));
  const double q = p * 1024 / (tables.total() - 3000000);
  EXPECT_NEAR(double_second, draws * q, 4 * std::sqrt(draws * q * (1 - q)));
}

} // namespace
} // namespace anytick::core
