#include "dataplane/core/name_table.h"

#include <bit>

namespace anytick::core {

NameTable::NameTable(const ZoneImage& image) : nodes_(image.nodes().data()), blob_(image.blob().data()) {
  const size_t count = image.nodes().size();
  buckets_.assign(std::bit_ceil(2 * count + 2), Bucket{0, none});
  mask_ = buckets_.size() - 1;
  for (uint32_t node = 0; node < count; ++node) {
    FoldedName name;
    read_name(image.bytes_of(nodes_[node].name), name);
    const uint64_t hash = hash_name(name);
    uint64_t at = hash & mask_;
    while (buckets_[at].node != none) at = (at + 1) & mask_;
    buckets_[at] = {tag_of(hash), node};
  }
}

} // namespace anytick::core
