#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/core/random.h"

/// K of N by weight, without replacement: the i-th record drawn is j with probability w_j / (sum of the weights not yet
/// drawn). An alias table (Walker 1977; Vose 1991) proposes, duplicates are rejected a bounded number of times, then
/// the remaining weights are searched, which continues the same distribution: work is bounded whatever the weights.
namespace anytick::core {

/// Most records that one answer draws.
inline constexpr unsigned draw_records_max = 32;
/// Most records to draw from.
inline constexpr size_t draw_candidates_max = 65535;

/// One column of the alias table. `values` of both candidates stand in it, so that a draw touches one cache line.
struct DrawSlot {
  uint64_t threshold_alias; ///< probability of `own` in 1/2^48 << 16 | index of the other candidate
  uint32_t own;
  uint32_t other;
};

/// Read-only tables of one answer set; the memory is someone else's.
struct DrawView {
  const DrawSlot* slots;
  const uint64_t* before; ///< count + 1 sums: before[i] is the weight of all records left of i
  uint32_t count;
};

struct Drawn {
  uint32_t values[draw_records_max];
  uint32_t indices[draw_records_max];
  unsigned count;
};

/// Writes count slots and count + 1 sums. Weights are 1..2^32-1; `values[i]` is what a draw of i yields.
/// Precondition: all sizes agree, 1 <= weights.size() <= draw_candidates_max.
void build_draw(std::span<const uint32_t> weights, std::span<const uint32_t> values, std::span<DrawSlot> slots,
                std::span<uint64_t> before);

/// Draws min(k, count) distinct records in order. Precondition: 1 <= k <= draw_records_max.
void draw(const DrawView& view, unsigned k, Random& random, Drawn& drawn);

} // namespace anytick::core
