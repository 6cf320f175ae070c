#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "dataplane/core/bytes.h"

/// The Internet checksum (RFC 1071): one's complement sums are the same in either byte order, so words are added as
/// they lie in memory and the result is stored as it is. Sums are of 64 bits until they are folded: 2^64 is 1 there.
namespace anytick::core {

/// One's complement: the carry is added back.
inline uint64_t add_word(uint64_t sum, uint64_t word) {
  const bool carry = __builtin_add_overflow(sum, word, &sum);
  return sum + carry;
}

/// What takes `sum` out of a sum that it is part of, when added.
inline uint64_t negative_sum(uint64_t sum) {
  return ~sum;
}

/// A sum of bytes as it counts where they begin at `offset` of what is summed up.
inline uint64_t sum_at(size_t offset, uint64_t sum) {
  return std::rotl(sum, 8 * static_cast<int>(offset & 1));
}

/// A sum over `length` bytes; an odd last byte counts as if a zero followed. For add_word().
inline uint64_t sum_bytes(const uint8_t* bytes, size_t length) {
  uint64_t even = 0, odd = 0; // two chains of additions, that do not wait for each other
  const uint8_t* const end = bytes + length;
  for (; end - bytes >= 16; bytes += 16) {
    even = add_word(even, load<uint64_t>(bytes));
    odd = add_word(odd, load<uint64_t>(bytes + 8));
  }
  if (end - bytes >= 8) {
    even = add_word(even, load<uint64_t>(bytes));
    bytes += 8;
  }
  if (const auto left = static_cast<unsigned>(end - bytes); left > 0) {
    uint64_t word = 0;
    if (length >= 8) {
      word = load<uint64_t>(end - 8) >> (64 - 8 * left); // without what was counted before
    } else {
      std::memcpy(&word, bytes, left);
    }
    odd = add_word(odd, word);
  }
  return add_word(even, odd);
}

/// The same of a length that is known: in a straight line.
template <size_t length> uint64_t sum_bytes(const uint8_t* bytes) {
  static_assert(length % 4 == 0);
  uint64_t sum = length % 8 == 0 ? 0 : load<uint32_t>(bytes + length - 4);
  for (size_t at = 0; at + 8 <= length; at += 8) sum = add_word(sum, load<uint64_t>(bytes + at));
  return sum;
}

inline constexpr size_t sum_short_max = 64;

/// sum_bytes() without a branch, which lengths of queries would have predicted wrongly. Preconditions:
/// length <= sum_short_max, and that many bytes can be read, whatever they are.
inline uint64_t sum_short(const uint8_t* bytes, size_t length) {
  using Bytes [[gnu::vector_size(32)]] = int8_t;
  using Words [[gnu::vector_size(32)]] = uint64_t;
  constexpr Bytes first{0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                        16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
  const auto end = static_cast<int8_t>(length);
  const auto low = std::bit_cast<Words>(load<Bytes>(bytes) & (first < end));
  const auto high = std::bit_cast<Words>(load<Bytes>(bytes + 32) & (first + 32 < end));
  const Words sum = (low & 0xffffffff) + (low >> 32) + (high & 0xffffffff) + (high >> 32);
  return sum[0] + sum[1] + sum[2] + sum[3];
}

/// A sum of a fixed number of 4-byte words, far from 2^64: a few such may be added without add_word().
template <size_t words> uint64_t sum_words(const uint8_t* bytes) {
  uint64_t sum = 0;
  for (size_t i = 0; i < words; ++i) sum += load<uint32_t>(bytes + 4 * i);
  return sum;
}

/// Folds a sum to 16 bits: each half takes the other one with its carry.
inline uint16_t fold_sum(uint64_t sum) {
  const auto half = static_cast<uint32_t>((sum + std::rotl(sum, 32)) >> 32);
  return static_cast<uint16_t>((half + std::rotl(half, 16)) >> 16);
}

} // namespace anytick::core
