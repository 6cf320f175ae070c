#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "dataplane/core/bytes.h"
#include "dataplane/core/dns.h"

/// Domain names in wire format (RFC 1035 3.1), folded to lower case.
namespace anytick::core {

/// A folded name with the places of its labels. Bytes after the name are readable, so that it can be loaded eight
/// bytes at a time.
struct FoldedName {
  std::array<uint8_t, 256 + 8> bytes;
  std::array<uint8_t, 128> label_at; ///< offset of each label's length byte, leftmost first; the root label is last
  uint16_t length;                   ///< wire bytes, root label included
  uint16_t labels;                   ///< without the root label

  std::span<const uint8_t> suffix(unsigned label) const {
    return {bytes.data() + label_at[label], size_t{length} - label_at[label]};
  }
};

using Vector16 [[gnu::vector_size(16)]] = uint8_t;

/// Lower-cases the ASCII letters of sixteen bytes. Length bytes (0..63) are no letters, so whole names can be folded.
inline Vector16 fold16(Vector16 bytes) {
  const Vector16 upper = bytes - 'A' < 26;
  return bytes | (upper & 0x20);
}

/// The same of eight bytes.
inline uint64_t fold8(uint64_t word) {
  constexpr uint64_t ones = 0x0101010101010101u;
  const uint64_t low = word & (0x7f * ones);
  const uint64_t at_least_a = low + (0x80 - 'A') * ones;
  const uint64_t above_z = low + (0x80 - 'Z' - 1) * ones;
  const uint64_t upper = at_least_a & ~above_z & ~word & (0x80 * ones);
  return word | (upper >> 2);
}

/// The hash of a name, from its words. These are counted from its end, so that one walk over them yields the hash of
/// every suffix. Case does not count: letters differ in it by one bit, which is taken to be set in all bytes.
class NameHash {
 public:
  NameHash& add(uint64_t word, uint64_t mask = ~uint64_t{0}) {
    state_ = mix(state_ ^ ((word | 0x2020202020202020u) & mask));
    return *this;
  }
  /// The last step: the `size` (0..7) bytes at `from` that are no whole word. 8 bytes there are readable.
  uint64_t finish(const uint8_t* from, size_t size) const {
    return NameHash(*this).add(load<uint64_t>(from), (uint64_t{1} << (8 * size)) - 1).state_;
  }

 private:
  static uint64_t mix(uint64_t word) {
    // Multiplied twice: g++ would store a product of 128 bits, and load it again.
    constexpr uint64_t mixer = 0xa0761d6478bd642fu;
    return word * mixer ^ static_cast<uint64_t>(uint128{word} * mixer >> 64);
  }
  uint64_t state_ = 0x9ae16a3b2f90404fu;
};

/// Hash of a name in any case. 8 bytes from `name` on are readable.
inline uint64_t hash_name(const uint8_t* name, size_t length) {
  NameHash hash;
  for (; length >= 8; length -= 8) hash.add(load<uint64_t>(name + length - 8));
  return hash.finish(name, length);
}

/// Hash of the suffix that starts at `label` (0: the whole name).
inline uint64_t hash_name(const FoldedName& name, unsigned label = 0) {
  return hash_name(name.bytes.data() + name.label_at[label], size_t{name.length} - name.label_at[label]);
}

/// The hashes of all suffixes of one name, which must outlive it.
class SuffixHashes {
 public:
  explicit SuffixHashes(const FoldedName& name) : name_(name) {
    for (size_t words = 0; 8 * (words + 1) <= name.length; ++words)
      of_words_[words + 1] =
          NameHash(of_words_[words]).add(load<uint64_t>(name.bytes.data() + name.length - 8 * (words + 1)));
  }
  uint64_t of(unsigned label) const {
    const auto suffix = name_.suffix(label);
    return of_words_[suffix.size() / 8].finish(suffix.data(), suffix.size() % 8);
  }

 private:
  const FoldedName& name_;
  std::array<NameHash, dns::name_max / 8 + 1> of_words_;
};

/// Copies a name, folded. Two overlapping words or vectors serve all lengths between one and two of them.
inline void fold_name(const uint8_t* from, size_t length, uint8_t* to) {
  if (length >= 16) {
    for (size_t at = 0; at + 16 < length; at += 16) store(to + at, fold16(load<Vector16>(from + at)));
    store(to + length - 16, fold16(load<Vector16>(from + length - 16)));
  } else if (length >= 8) {
    store(to, fold8(load<uint64_t>(from)));
    store(to + length - 8, fold8(load<uint64_t>(from + length - 8)));
  } else {
    uint64_t word = 0;
    std::memcpy(&word, from, length);
    store(to, fold8(word));
  }
}

/// Whether a name in any case is a folded one of the same length.
inline bool is_name(const uint8_t* name, const uint8_t* folded, size_t length) {
  if (length >= 16) {
    const auto differ = [=](size_t at) { return fold16(load<Vector16>(name + at)) ^ load<Vector16>(folded + at); };
    Vector16 different = differ(0) | differ(length - 16);
    for (size_t at = 16; at + 16 < length; at += 16) different |= differ(at);
    using Words [[gnu::vector_size(16)]] = uint64_t;
    const auto words = std::bit_cast<Words>(different); // in a register: an array would be stored and loaded
    return (words[0] | words[1]) == 0;
  }
  const auto differ = [=](size_t at) { return fold8(load<uint64_t>(name + at)) ^ load<uint64_t>(folded + at); };
  if (length >= 8) return (differ(0) | differ(length - 8)) == 0;
  uint64_t word = 0;
  std::memcpy(&word, name, length);
  word = fold8(word);
  return std::memcmp(&word, folded, length) == 0;
}

/// Reads an uncompressed name that ends within `bytes`. False where there is none: a label over 63 bytes or a
/// compression pointer, more than 255 bytes, or cut off. Does not read outside `bytes`.
inline bool read_name(std::span<const uint8_t> bytes, FoldedName& name) {
  size_t at = 0;
  unsigned labels = 0;
  const size_t limit = std::min(bytes.size(), dns::name_max);
  for (;;) {
    if (at >= limit) return false;
    const unsigned size = bytes[at];
    name.label_at[labels] = static_cast<uint8_t>(at);
    if (size == 0) break;
    if (size > dns::label_max) return false;
    ++labels;
    at += size + 1;
  }
  name.length = static_cast<uint16_t>(at + 1);
  name.labels = static_cast<uint16_t>(labels);
  fold_name(bytes.data(), name.length, name.bytes.data());
  return true;
}

/// Most characters of a name's text: of four labels of which every byte is escaped, and dots between them.
inline constexpr size_t name_text_max = 4 * (dns::name_max - 5) + 3;

/// Writes the presentation form of an uncompressed name in wire format, without the trailing dot; "." for the root.
/// What is special in text is escaped, as in `\.`, and what is not printable, as in `\007` (RFC 1035 5.1, 4343 2.1).
/// Returns its length, at most name_text_max.
size_t write_name_text(std::span<const uint8_t> wire, char* text);

/// Canonical order (RFC 4034 6.1) of two folded names: negative, zero or positive.
int compare_names(const FoldedName& left, const FoldedName& right);

} // namespace anytick::core
