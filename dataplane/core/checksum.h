#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/core/bytes.h"

/// The Internet checksum (RFC 1071): one's complement sums are the same in either byte order, so words are added as
/// they lie in memory and the result is stored as it is.
namespace anytick::core {

/// A partial sum over `length` bytes; an odd last byte counts as if a zero followed. Carries are added back by the
/// caller's fold_sum(): 2^64 is 1 in one's complement.
inline uint64_t sum_bytes(const uint8_t* bytes, size_t length) {
  uint64_t sum = 0;
  uint64_t word = 0;
  const auto add = [&] {
    sum += word;
    sum += sum < word;
  };
  for (; length >= 8; length -= 8, bytes += 8) {
    word = load<uint64_t>(bytes);
    add();
  }
  if (length > 0) {
    word = 0;
    std::memcpy(&word, bytes, length);
    add();
  }
  // Room for a few such sums and a pseudo-header to be added without another carry.
  return (sum & 0xffffffff) + (sum >> 32);
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
