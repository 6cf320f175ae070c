#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <vector>

/// What clients get of a set that is drawn from (dataplane/core/draw.h), exactly.
namespace anytick::control {

/// The probability of each record to be drawn first.
std::vector<double> first_probabilities(std::span<const uint32_t> weights);

/// So many records of one weight: they have the same probabilities.
struct WeightClass {
  uint32_t weight; ///< >= 1
  uint32_t count;  ///< >= 1

  auto operator<=>(const WeightClass&) const = default;
};

/// The classes of these weights, by weight.
std::vector<WeightClass> weight_classes(std::span<const uint32_t> weights);

/// The probability of a record of each class to be among the k drawn one after the other by weight, without
/// replacement. Absolute error at most 1e-9, whatever the weights; their sum over all records is k within the sum of
/// the errors. All of k <= draw_records_max and up to draw_candidates_max records of weights 1..2^32-1. The same
/// weights give the same probabilities to the bit, as long as the classes come by weight. Takes classes * k steps some
/// hundred times, * k^2 where a class has several records, and memory for classes * k doubles.
std::vector<double> inclusion_probabilities(std::span<const WeightClass> classes, unsigned k);

/// The same for each record.
std::vector<double> inclusion_probabilities(std::span<const uint32_t> weights, unsigned k);

} // namespace anytick::control
