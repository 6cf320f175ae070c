#include "control/inclusion.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <string>

#include "dataplane/core/random.h"

namespace anytick::control {
namespace {

/// So many records of the same weight.
struct Alike {
  uint32_t weight;
  unsigned count;
};

std::vector<uint32_t> weights_of(const std::vector<Alike>& classes) {
  std::vector<uint32_t> weights;
  for (const Alike& each : classes) weights.insert(weights.end(), each.count, each.weight);
  return weights;
}

/// The same by counting: draw after draw, the probability of each number of records drawn of each class. All terms are
/// positive, so that it is as exact as its type.
std::vector<double> by_counting(const std::vector<Alike>& classes, unsigned k) {
  using Counts = std::vector<unsigned>;
  std::map<Counts, long double> drawn{{Counts(classes.size()), 1.0L}};
  for (unsigned draw = 0; draw < k; ++draw) {
    std::map<Counts, long double> next;
    for (const auto& [counts, probability] : drawn) {
      std::vector<uint64_t> left;
      for (size_t i = 0; i < classes.size(); ++i)
        left.push_back(uint64_t{classes[i].weight} * (classes[i].count - counts[i]));
      const auto sum = static_cast<long double>(std::accumulate(left.begin(), left.end(), uint64_t{0}));
      for (size_t i = 0; i < classes.size(); ++i) {
        if (left[i] == 0) continue;
        Counts more = counts;
        ++more[i];
        next[more] += probability * static_cast<long double>(left[i]) / sum;
      }
    }
    drawn = std::move(next);
  }
  std::vector<double> result;
  for (size_t i = 0; i < classes.size(); ++i) {
    long double expected = 0;
    for (const auto& [counts, probability] : drawn) expected += probability * counts[i];
    result.push_back(static_cast<double>(expected / classes[i].count));
  }
  return result;
}

struct CountingCase {
  const char* name;
  std::vector<Alike> classes;
  unsigned k;
};

class Counting : public testing::TestWithParam<CountingCase> {};

TEST_P(Counting, AgreesForEachRecordAndInSum) {
  const auto& [name, classes, k] = GetParam();
  const auto expected = by_counting(classes, k);
  const auto included = inclusion_probabilities(weights_of(classes), k);
  size_t at = 0;
  for (size_t i = 0; i < classes.size(); ++i)
    for (unsigned n = 0; n < classes[i].count; ++n) ASSERT_NEAR(included[at++], expected[i], 1e-9) << "class " << i;
  EXPECT_NEAR(std::accumulate(included.begin(), included.end(), 0.0), k, 1e-8);
}

INSTANTIATE_TEST_SUITE_P(
    Inclusion, Counting,
    testing::Values(CountingCase{"Equal", {{5, 100}}, 4}, CountingCase{"EqualAndMany", {{1, 4000}}, 32},
                    CountingCase{"AllButOne", {{1, 11}, {1000, 11}, {1000000, 11}}, 32},
                    CountingCase{"OneOfTwo", {{1, 1}, {UINT32_MAX, 1}}, 1},
                    CountingCase{"GiantAndDwarfs", {{3000000, 1}, {512, 200}}, 4},
                    CountingCase{"FewerGiantsThanDraws", {{UINT32_MAX, 3}, {1, 60}}, 4},
                    CountingCase{"AsManyGiantsAsDraws", {{UINT32_MAX, 4}, {1, 60}}, 4},
                    CountingCase{"MoreGiantsThanDraws", {{UINT32_MAX, 40}, {1, 40}}, 32},
                    CountingCase{"ThreeScales", {{UINT32_MAX, 2}, {65536, 2}, {1, 1000}}, 6},
                    CountingCase{"PoolOfFour",
                                 {{512, 32},
                                  {1500, 48},
                                  {3000, 100},
                                  {6000, 80},
                                  {10000, 360},
                                  {25000, 420},
                                  {50000, 340},
                                  {100000, 640},
                                  {250000, 440},
                                  {500000, 360},
                                  {1000000, 760},
                                  {2000000, 300},
                                  {3000000, 120}},
                                 4},
                    CountingCase{"PoolOfThirtyTwo", {{512, 2000}, {100000, 1000}, {3000000, 1000}}, 32}),
    [](const auto& i) { return i.param.name; });

/// Numerators and denominators, computed with rational numbers over all sequences of draws.
struct RationalCase {
  const char* name;
  std::vector<uint32_t> weights;
  unsigned k;
  std::vector<std::pair<double, double>> fractions;
};

class Rational : public testing::TestWithParam<RationalCase> {};

TEST_P(Rational, Agrees) {
  const auto& [name, weights, k, fractions] = GetParam();
  const auto included = inclusion_probabilities(weights, k);
  for (size_t i = 0; i < weights.size(); ++i)
    EXPECT_NEAR(included[i], fractions[i].first / fractions[i].second, 1e-10) << i;
}

INSTANTIATE_TEST_SUITE_P(
    Inclusion, Rational,
    testing::Values(RationalCase{"OneTwoThree", {1, 2, 3}, 2, {{5, 12}, {11, 15}, {17, 20}}},
                    RationalCase{"Twins", {1, 1, 2, 4}, 2, {{13, 42}, {13, 42}, {4, 7}, {17, 21}}},
                    RationalCase{"ThreeOfFour", {5, 1, 3, 2}, 3, {{656, 693}, {347, 792}, {1141, 1320}, {3469, 4620}}},
                    RationalCase{
                        "Decades",
                        {1, 10, 100, 1000},
                        2,
                        {{46296653, 5084072653}, {1260469, 13853059}, {13604790, 15086269}, {5074442300, 5084072653}}},
                    RationalCase{"Giant",
                                 {4294967295, 1, 1, 2},
                                 2,
                                 {{13204693770824133673349371220., 13204693770824133680507650049.},
                                  {39614081312472401067292753933., 158456325249889604166091800588.},
                                  {39614081312472401067292753933., 158456325249889604166091800588.},
                                  {9223372047592194055., 18446744095184388102.}}}),
    [](const auto& i) { return i.param.name; });

TEST(Inclusion, RandomSmallSets) {
  const uint64_t seed = 20261122;
  SCOPED_TRACE("seed " + std::to_string(seed));
  core::Random random(seed);
  for (int round = 0; round < 100; ++round) {
    std::vector<Alike> each;
    const size_t count = 2 + random.next() % 7;
    for (size_t i = 0; i < count; ++i) {
      const auto weight = static_cast<uint32_t>(random.next() >> (32 + random.next() % 32));
      each.push_back({std::max(weight, 1u), 1});
    }
    const auto k = 1 + static_cast<unsigned>(random.next() % 4);
    const auto expected = by_counting(each, std::min<unsigned>(k, static_cast<unsigned>(count)));
    const auto included = inclusion_probabilities(weights_of(each), k);
    for (size_t i = 0; i < count; ++i) ASSERT_NEAR(included[i], expected[i], 1e-10) << "round " << round;
  }
}

// Records of one weight are taken together: no other order and no other way to tell them changes a bit.
TEST(Inclusion, IsTheSameForClassesAndInAnyOrder) {
  const std::vector<uint32_t> weights{7, 3000000, 7, 512, 9, 7, 3000000, 512, 1};
  const std::vector<WeightClass> classes{{1, 1}, {7, 3}, {9, 1}, {512, 2}, {3000000, 2}};
  EXPECT_EQ(weight_classes(weights), classes);
  for (const unsigned k : {1u, 2u, 4u, 8u, 9u}) {
    const auto of_class = inclusion_probabilities(classes, k);
    const auto of_record = inclusion_probabilities(weights, k);
    for (size_t i = 0; i < weights.size(); ++i) {
      const auto found = std::ranges::find(classes, weights[i], &WeightClass::weight);
      EXPECT_EQ(of_record[i], of_class[static_cast<size_t>(found - classes.begin())]) << "k " << k << ", record " << i;
    }
    const std::vector<uint32_t> reversed(weights.rbegin(), weights.rend());
    auto mirrored = inclusion_probabilities(reversed, k);
    std::ranges::reverse(mirrored);
    EXPECT_EQ(mirrored, of_record);
  }
}

TEST(Inclusion, IsCertainWhereAllAreDrawn) {
  const std::vector<uint32_t> weights{1, 3000000, 7};
  for (const unsigned k : {3u, 4u, 32u})
    for (const double each : inclusion_probabilities(weights, k)) EXPECT_EQ(each, 1.0);
}

TEST(Inclusion, OfOneDrawIsTheShare) {
  std::vector<uint32_t> weights;
  for (uint32_t i = 0; i < 4000; ++i) weights.push_back(1 + i * i % 3000017);
  const auto first = first_probabilities(weights);
  const auto included = inclusion_probabilities(weights, 1);
  for (size_t i = 0; i < weights.size(); ++i) ASSERT_NEAR(included[i], first[i], 1e-12) << i;
  EXPECT_NEAR(std::accumulate(first.begin(), first.end(), 0.0), 1, 1e-12);
}

TEST(Inclusion, GrowsWithTheWeight) {
  std::vector<uint32_t> weights;
  for (uint32_t i = 0; i < 4000; ++i) weights.push_back(500 + 750 * i);
  const auto included = inclusion_probabilities(weights, 4);
  for (size_t i = 1; i < weights.size(); ++i) ASSERT_GT(included[i], included[i - 1]) << i;
  EXPECT_NEAR(std::accumulate(included.begin(), included.end(), 0.0), 4, 1e-9);
}

} // namespace
} // namespace anytick::control
