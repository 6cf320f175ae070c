#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/core/bytes.h"
#include "geo/prefix.h"

namespace anytick::bench {

/// Addresses of clients, of one family: those of a prefix, or listed ones. A client is an index among them.
class Sources {
 public:
  /// Of 2^bits addresses that are spread over the prefix, or of all where it has no more. bits <= 31.
  Sources(const geo::Prefix& prefix, unsigned bits);
  explicit Sources(std::vector<geo::Address> listed);

  uint64_t count() const { return count_; } ///< of clients
  /// Who sends the frame with that number: hardly anyone twice in a row.
  uint32_t client_of(uint32_t number) const { return static_cast<uint32_t>((number * 0x9E3779B1u) * count_ >> 32); }
  geo::Address address(uint32_t client) const {
    if (!listed_.empty()) return listed_[client];
    if (first_.family == geo::Family::ipv4) return geo::Address::ipv4(first_.to_ipv4() + (client << shift_));
    // One of each subnet, where there are more than clients: not its anycast address (RFC 4291 2.6.1).
    const core::uint128 host = core::uint128{client} << shift_ | (shift_ > 0);
    return geo::Address::ipv6(first_.high() | static_cast<uint64_t>(host >> 64),
                              first_.low() | static_cast<uint64_t>(host));
  }

 private:
  std::vector<geo::Address> listed_;
  geo::Address first_;
  unsigned shift_ = 0;
  uint64_t count_;
};

} // namespace anytick::bench
