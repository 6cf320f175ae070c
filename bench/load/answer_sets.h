#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dataplane/core/bytes.h"
#include "dataplane/core/zone_image.h"

namespace anytick::bench {

/// An address in wire format, 4 or 16 bytes.
using WireAddress = std::span<const uint8_t>;

/// Integers above 0.
template <class Key> class KeySet {
 public:
  void reserve(size_t count) {
    mask_ = std::bit_ceil(2 * count + 2) - 1;
    places_.assign(mask_ + 1, 0);
  }
  /// As often as was reserved for.
  void add(Key key) { places_[find(key)] = key; }
  bool has(Key key) const { return places_[find(key)] == key && key != 0; }

 private:
  size_t find(Key key) const {
    const auto folded =
        static_cast<uint64_t>(key) ^ static_cast<uint64_t>(core::uint128{key} >> 64) * 0xC2B2AE3D27D4EB4Fu;
    size_t at = (folded * 0x9E3779B97F4A7C15u >> 32) & mask_;
    while (places_[at] != 0 && places_[at] != key) at = (at + 1) & mask_;
    return at;
  }

  size_t mask_ = 0;
  std::vector<Key> places_; // 0: free
};

/// Addresses, none of them all zero.
class AddressSet {
 public:
  explicit AddressSet(std::span<const WireAddress> addresses);
  bool has(WireAddress address) const {
    return address.size() == 4 ? ipv4_.has(ipv4(address)) : ipv6_.has(ipv6(address));
  }

 private:
  static uint32_t ipv4(WireAddress address) { return core::load<uint32_t>(address.data()); }
  static core::uint128 ipv6(WireAddress address) { return core::load<core::uint128>(address.data()); }

  KeySet<uint32_t> ipv4_; // apart, as most are of it, and many to a cache line
  KeySet<core::uint128> ipv6_;
};

/// A name with A or AAAA records of ours, and what any client may be answered there.
struct Answerable {
  std::string name;                          ///< text, no trailing dot
  uint16_t type;                             ///< A or AAAA
  uint32_t node;                             ///< of the image
  std::shared_ptr<const AddressSet> allowed; ///< the union over all places that a client can be at
  uint32_t least;                            ///< records in an answer; 0: some clients may get none
  uint32_t most;
};

/// Wildcards are left out.
std::vector<Answerable> answerable_names(const core::ZoneImage& image, uint16_t type);

/// The addresses of an RRset of A or AAAA records.
std::vector<WireAddress> addresses_of(const core::ZoneImage& image, const core::ImageRRset& rrset);

} // namespace anytick::bench
