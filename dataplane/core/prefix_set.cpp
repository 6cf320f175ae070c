#include "dataplane/core/prefix_set.h"

#include <algorithm>

namespace anytick::core {
namespace {

template <class Bits> Bits bits_of(const geo::Address& address) {
  if constexpr (sizeof(Bits) == sizeof(uint32_t)) {
    return address.to_ipv4();
  } else {
    return uint128{address.high()} << 64 | address.low();
  }
}

} // namespace

template <class Bits> PrefixSet::Range<Bits> PrefixSet::range_of(const geo::Prefix& prefix) {
  const Bits first = bits_of<Bits>(prefix.address);
  // A shift by all bits would be undefined.
  const Bits host = prefix.length == 0 ? ~Bits{0} : ~(~Bits{0} << (8 * sizeof(Bits) - prefix.length));
  return {first, first | host};
}

template <class Bits> std::vector<PrefixSet::Range<Bits>> PrefixSet::merged(std::vector<Range<Bits>> ranges) {
  std::ranges::sort(ranges, {}, &Range<Bits>::first);
  std::vector<Range<Bits>> result;
  for (const Range<Bits>& range : ranges) {
    if (!result.empty() && (result.back().last == ~Bits{0} || range.first <= result.back().last + 1))
      result.back().last = std::max(result.back().last, range.last);
    else
      result.push_back(range);
  }
  return result;
}

template <class Bits> bool PrefixSet::holds(const std::vector<Range<Bits>>& ranges, const Range<Bits>& range) {
  const auto after = std::ranges::upper_bound(ranges, range.first, {}, &Range<Bits>::first);
  return after != ranges.begin() && range.last <= std::prev(after)->last;
}

PrefixSet::PrefixSet(const std::vector<geo::Prefix>& prefixes) {
  for (const geo::Prefix& prefix : prefixes) {
    if (prefix.address.family == geo::Family::ipv4)
      ipv4_.push_back(range_of<uint32_t>(prefix));
    else
      ipv6_.push_back(range_of<uint128>(prefix));
  }
  ipv4_ = merged(std::move(ipv4_));
  ipv6_ = merged(std::move(ipv6_));
}

bool PrefixSet::contains(const geo::Address& address) const {
  return covers({address, static_cast<uint8_t>(address.width())});
}

bool PrefixSet::covers(const geo::Prefix& prefix) const {
  return prefix.address.family == geo::Family::ipv4 ? holds(ipv4_, range_of<uint32_t>(prefix))
                                                    : holds(ipv6_, range_of<uint128>(prefix));
}

} // namespace anytick::core
