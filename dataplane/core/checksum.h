#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/core/bytes.h"

/// The Internet checksum (RFC 1071): one's complement sums are the same in either byte order, so words are added as
/// they lie in memory and the result is stored as it is.
namespace anytick::core {

/// One's complement: the carry is added back.
inline uint64_t add_word(uint64_t sum, uint64_t word) {
  sum += word;
  return sum + (sum < word);
}

/// A partial sum over `length` bytes; an odd last byte counts as if a zero followed. Carries are added back by the
/// caller's fold_sum(): 2^64 is 1 in one's complement.
inline uint64_t sum_bytes(const uint8_t* bytes, size_t length) {
  uint64_t even = 0, odd = 0; // two chains of additions, that do not wait for each other
  for (; length >= 16; length -= 16, bytes += 16) {
    even = add_word(even, load<uint64_t>(bytes));
    odd = add_word(odd, load<uint64_t>(bytes + 8));
  }
  if (length >= 8) {
    even = add_word(even, load<uint64_t>(bytes));
    length -= 8, bytes += 8;
  }
  if (length > 0) {
    uint64_t word = 0;
    std::memcpy(&word, bytes, length);
    odd = add_word(odd, word);
  }
  const uint64_t sum = add_word(even, odd);
  // Room for a few such sums and a pseudo-header to be added without another carry.
  return (sum & 0xffffffff) + (sum >> 32);
}

/// The same of a fixed number of 4-byte words.
template <size_t words> uint64_t sum_words(const uint8_t* bytes) {
  uint64_t sum = 0;
  for (size_t i = 0; i < words; ++i) sum += load<uint32_t>(bytes + 4 * i);
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
