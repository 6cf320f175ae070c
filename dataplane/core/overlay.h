#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "dataplane/core/bytes.h"
#include "geo/prefix.h"

namespace anytick::core {

/// The addresses that a zone targets one by one ("192.0.2.1/32", "2001:db8:1::/48"), laid out as segments of the
/// address space within which the same of them match. Immutable once built; any thread.
class Overlay {
 public:
  /// A target by address: its prefix, and its index among the image's targets.
  struct Target {
    geo::Prefix prefix;
    uint32_t index;
  };
  struct Match {
    uint32_t entry; ///< index into entries(); 0 has no targets
    uint8_t length; ///< of the widest prefix around the address within which the entry is the same
  };

  explicit Overlay(std::span<const Target> targets);

  Match find(const geo::Address& address) const;
  /// The distinct combinations of targets that match together, finest first.
  const std::vector<std::vector<uint32_t>>& entries() const { return entries_; }
  size_t memory_bytes() const;

 private:
  struct Segments {
    std::vector<uint128> starts; ///< ascending, the first is 0; addresses fill the high bits
    std::vector<uint32_t> entries;
  };
  using EntryIndex = std::map<std::vector<uint32_t>, uint32_t>;
  Segments lay_out(std::span<const Target> targets, geo::Family family, EntryIndex& known);
  uint32_t entry_of(std::vector<uint32_t> combination, EntryIndex& known);

  std::vector<std::vector<uint32_t>> entries_;
  Segments ipv4_;
  Segments ipv6_;
};

} // namespace anytick::core
