#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

namespace anytick::geo {

/// Gives equal values the same index, counting from 0 in the order they first came.
template <class T, class Hash> class Interner {
 public:
  uint32_t index_of(const T& value) {
    const auto [found, is_new] = indices_.emplace(value, static_cast<uint32_t>(values_.size()));
    if (is_new) values_.push_back(value);
    return found->second;
  }

  const T& operator[](uint32_t index) const { return values_[index]; }
  const std::vector<T>& values() const { return values_; }

 private:
  std::unordered_map<T, uint32_t, Hash> indices_;
  std::vector<T> values_;
};

/// Spreads both words over the whole result, as power-of-two tables and equal low bits demand.
inline uint64_t mix(uint64_t a, uint64_t b) {
  constexpr uint64_t odd = 0x9e3779b97f4a7c15;
  uint64_t hash = (a ^ (b + odd) * odd) * odd;
  hash ^= hash >> 32;
  return hash * odd;
}

} // namespace anytick::geo
