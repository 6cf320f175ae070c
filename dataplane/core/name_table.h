#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/core/names.h"
#include "dataplane/core/zone_image.h"

namespace anytick::core {

/// Finds the nodes of an image by name: open addressing over the hashes of names, at most a quarter full, so that most
/// probes end at the first entry, and none goes on for long. The image must outlive it.
class NameTable {
 public:
  static constexpr uint32_t none = UINT32_MAX;

  explicit NameTable(const ZoneImage& image);

  /// Names were chosen to share a hash, and not all of them are in: it is not to be used.
  bool is_crowded() const { return crowded_; }

  void prefetch(uint64_t hash) const { __builtin_prefetch(&buckets_[hash & mask_]); }

  /// Index of the node with this name (of any case, with its hash), or `none`.
  uint32_t find(uint64_t hash, std::span<const uint8_t> name) const {
    for (uint64_t at = hash & mask_;; at = (at + 1) & mask_) {
      const Bucket& bucket = buckets_[at];
      if (bucket.tag == tag_of(hash) && bucket.name.length == name.size() &&
          is_name(name.data(), blob_ + bucket.name.offset, name.size()))
        return bucket.node;
      if (bucket.node == none) return none;
    }
  }

  size_t memory_bytes() const { return buckets_.size() * sizeof(Bucket); }

 private:
  struct Bucket {
    uint32_t tag;
    uint32_t node;
    BlobRange name;
  };
  static uint32_t tag_of(uint64_t hash) { return static_cast<uint32_t>(hash >> 32); }

  /// Buckets that a look-up may pass. Of a million names at random none passes 20.
  static constexpr unsigned probes_max = 64;

  std::vector<Bucket> buckets_;
  uint64_t mask_;
  bool crowded_ = false;
  const uint8_t* blob_;
};

} // namespace anytick::core
