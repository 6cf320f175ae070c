#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/core/zone_image.h"

namespace anytick::bench {

/// IPv4 addresses as they lie on the wire, 0.0.0.0 not among them.
class AddressSet {
 public:
  explicit AddressSet(std::vector<uint32_t> addresses);
  bool has(uint32_t address) const {
    for (size_t at = place(address); places_[at] != 0; at = (at + 1) & mask_)
      if (places_[at] == address) return address != 0;
    return false;
  }

 private:
  size_t place(uint32_t address) const { return (address * 0x9E3779B97F4A7C15u >> 32) & mask_; }

  size_t mask_;
  std::vector<uint32_t> places_; // 0: free
};

/// A name with A records, and what any client may be answered there.
struct Answerable {
  std::string name;                          ///< text, no trailing dot
  std::shared_ptr<const AddressSet> allowed; ///< the union over all places that a client can be at
  uint32_t most;                             ///< records in an answer
};

/// Wildcards, and names below which another zone begins, are left out.
std::vector<Answerable> answerable_names(const core::ZoneImage& image);

} // namespace anytick::bench
