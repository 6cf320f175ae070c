#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/core/bytes.h"
#include "geo/prefix.h"

namespace anytick::core {

/// Addresses that lie in some of a list of prefixes: sorted ranges, of which none touches another. Immutable.
class PrefixSet {
 public:
  PrefixSet() = default;
  explicit PrefixSet(const std::vector<geo::Prefix>& prefixes);

  bool empty() const { return ipv4_.empty() && ipv6_.empty(); }
  /// O(log ranges), no allocation.
  bool contains(const geo::Address& address) const;
  /// Whether all of the prefix lies in it.
  bool covers(const geo::Prefix& prefix) const;
  size_t memory_bytes() const {
    return ipv4_.capacity() * sizeof(Range<uint32_t>) + ipv6_.capacity() * sizeof(Range<uint128>);
  }

 private:
  template <class Bits> struct Range {
    Bits first;
    Bits last;
  };
  template <class Bits> static Range<Bits> range_of(const geo::Prefix& prefix);
  template <class Bits> static std::vector<Range<Bits>> merged(std::vector<Range<Bits>> ranges);
  template <class Bits> static bool holds(const std::vector<Range<Bits>>& ranges, const Range<Bits>& range);

  std::vector<Range<uint32_t>> ipv4_;
  std::vector<Range<uint128>> ipv6_;
};

} // namespace anytick::core
