#include "dataplane/core/interleave.h"

#include <bit>
#include <cassert>

namespace anytick::core {

InterleaveTable::InterleaveTable(std::span<Entry> entries)
    : entries_(entries.first(std::bit_floor(entries.size()))),
      shift_(64 - static_cast<unsigned>(std::countr_zero(entries_.size()))) {
  assert(entries.size() >= 2);
}

} // namespace anytick::core
