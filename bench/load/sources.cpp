#include "bench/load/sources.h"

#include <algorithm>
#include <utility>

namespace anytick::bench {

Sources::Sources(const geo::Prefix& prefix, unsigned bits) : first_(prefix.address) {
  const unsigned host_bits = first_.width() - prefix.length;
  bits = std::min(bits, host_bits);
  shift_ = host_bits - bits;
  count_ = uint64_t{1} << bits;
}

Sources::Sources(std::vector<geo::Address> listed) : listed_(std::move(listed)), count_(listed_.size()) {}

} // namespace anytick::bench
