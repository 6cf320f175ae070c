#include "dataplane/core/name_table.h"

#include <bit>

namespace anytick::core {

NameTable::NameTable(const ZoneImage& image) : blob_(image.blob().data()) {
  const std::span<const ImageNode> nodes = image.nodes();
  buckets_.assign(std::bit_ceil(4 * nodes.size() + 2), Bucket{0, none, {}});
  mask_ = buckets_.size() - 1;
  for (uint32_t node = 0; node < nodes.size(); ++node) {
    FoldedName name;
    if (!read_name(image.bytes_of(nodes[node].name), name)) continue; // a valid image has no such name
    const uint64_t hash = hash_name(name);
    uint64_t at = hash & mask_;
    unsigned probes = 0;
    for (; buckets_[at].node != none && probes < probes_max; ++probes) at = (at + 1) & mask_;
    if (probes == probes_max) {
      crowded_ = true;
      return;
    }
    buckets_[at] = {tag_of(hash), node, nodes[node].name};
  }
}

} // namespace anytick::core
