#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "dataplane/core/bytes.h"
#include "dataplane/core/dns.h"

/// Domain names in wire format (RFC 1035 3.1), folded to lower case.
namespace anytick::core {

/// A folded name with the places of its labels. Bytes after the name are readable, so that labels can be loaded
/// eight bytes at a time.
struct FoldedName {
  std::array<uint8_t, 256 + 8> bytes;
  std::array<uint8_t, 128> label_at; ///< offset of each label's length byte, leftmost first; the root label is last
  uint16_t length;                   ///< wire bytes, root label included
  uint16_t labels;                   ///< without the root label

  std::span<const uint8_t> suffix(unsigned label) const {
    return {bytes.data() + label_at[label], size_t{length} - label_at[label]};
  }
};

/// Lower-cases the ASCII letters of eight bytes. Length bytes (0..63) are no letters, so whole names can be folded.
inline uint64_t fold8(uint64_t word) {
  constexpr uint64_t ones = 0x0101010101010101u;
  const uint64_t low = word & (0x7f * ones);
  const uint64_t at_least_a = low + (0x80 - 'A') * ones;
  const uint64_t above_z = low + (0x80 - 'Z' - 1) * ones;
  const uint64_t upper = at_least_a & ~above_z & ~word & (0x80 * ones);
  return word | (upper >> 2);
}

inline constexpr uint64_t name_hash_seed = 0x9ae16a3b2f90404fu;

/// Adds one label to the hash of the name to its right, so that one walk from the right yields the hash of every
/// suffix. Reads up to 8 bytes past the label.
inline uint64_t hash_label(uint64_t hash, const uint8_t* label) {
  const unsigned size = label[0] + 1u;
  const auto mix = [](uint64_t a) {
    const auto product = uint128{a} * 0xa0761d6478bd642fu;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  };
  unsigned at = 0;
  for (; at + 8 < size; at += 8) hash = mix(hash ^ load<uint64_t>(label + at));
  const unsigned left = size - at; // 1..8
  return mix(hash ^ (load<uint64_t>(label + at) & (~uint64_t{0} >> (64 - 8 * left))));
}

/// Hash of the suffix that starts at `label` (0: the whole name).
inline uint64_t hash_name(const FoldedName& name, unsigned label = 0) {
  uint64_t hash = name_hash_seed;
  for (unsigned i = name.labels; i-- > label;) hash = hash_label(hash, name.bytes.data() + name.label_at[i]);
  return hash;
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
  std::memcpy(name.bytes.data(), bytes.data(), name.length);
  for (size_t i = 0; i < name.length; i += 8)
    store(name.bytes.data() + i, fold8(load<uint64_t>(name.bytes.data() + i)));
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
