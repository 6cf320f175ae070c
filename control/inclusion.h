#pragma once

#include <cstdint>
#include <span>
#include <vector>

/// What clients get of a set that is drawn from (dataplane/core/draw.h), exactly.
namespace anytick::control {

/// The probability of each record to be drawn first.
std::vector<double> first_probabilities(std::span<const uint32_t> weights);

/// The probability of each record to be among the k drawn one after the other by weight, without replacement. Absolute
/// error at most 1e-9, whatever the weights; their sum is k within the sum of the errors. All of k <= draw_records_max
/// and up to draw_candidates_max weights of 1..2^32-1. Takes size * k steps a thousand times, and memory for size * k
/// doubles.
std::vector<double> inclusion_probabilities(std::span<const uint32_t> weights, unsigned k);

} // namespace anytick::control
