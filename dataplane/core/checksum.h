#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/core/bytes.h"

/// The Internet checksum (RFC 1071): one's complement sums are the same in either byte order, so words are added as
/// they lie in memory and the result is stored as it is.
namespace anytick::core {

/// A partial sum over `length` bytes; an odd last byte counts as if a zero followed.
inline uint64_t sum_bytes(const uint8_t* bytes, size_t length) {
  uint64_t sum = 0;
  for (; length >= 8; length -= 8, bytes += 8) {
    const uint64_t word = load<uint64_t>(bytes);
    sum += (word & 0xffffffff) + (word >> 32);
  }
  if (length > 0) {
    uint64_t word = 0;
    std::memcpy(&word, bytes, length);
    sum += (word & 0xffffffff) + (word >> 32);
  }
  return sum;
}

/// Folds partial sums to 16 bits.
inline uint16_t fold_sum(uint64_t sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

} // namespace anytick::core
