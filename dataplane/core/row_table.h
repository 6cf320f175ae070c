#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "dataplane/core/bytes.h"

namespace anytick::core {

/// Appends rows of one width to cells, equal ones once (load time only).
class RowTable {
 public:
  /// `cells` may hold other things before its rows, and must outlive the table. Precondition: width > 0.
  RowTable(std::vector<uint32_t>& cells, size_t width) : cells_(cells), width_(width), begin_(cells.size()) {}

  /// Counted from 0, in the order in which the rows first came.
  uint32_t index_of(std::span<const uint32_t> row) {
    const uint64_t hash = hash_of(row);
    const auto [first, last] = known_.equal_range(hash);
    for (auto at = first; at != last; ++at)
      if (std::equal(row.begin(), row.end(), cells_.begin() + static_cast<ptrdiff_t>(place_of(at->second))))
        return at->second;
    const uint32_t index = size();
    known_.emplace(hash, index);
    cells_.insert(cells_.end(), row.begin(), row.end());
    return index;
  }

  /// Where a row begins among the cells.
  size_t place_of(uint32_t index) const { return begin_ + index * width_; }
  uint32_t size() const { return static_cast<uint32_t>((cells_.size() - begin_) / width_); }

 private:
  static uint64_t hash_of(std::span<const uint32_t> row) {
    uint64_t hash = row.size();
    for (const uint32_t cell : row) {
      const uint128 product = uint128{hash ^ cell} * 0x9e3779b97f4a7c15u;
      hash = static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
    }
    return hash;
  }

  std::vector<uint32_t>& cells_;
  const size_t width_;
  const size_t begin_;
  std::unordered_multimap<uint64_t, uint32_t> known_;
};

} // namespace anytick::core
