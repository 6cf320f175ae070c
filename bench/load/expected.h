#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "bench/load/answer_sets.h"
#include "dataplane/core/join.h"

namespace anytick::bench {

/// What one client may be answered.
struct Expected {
  const AddressSet* allowed; ///< null where `most` is 0
  uint32_t least, most;      ///< records
  /// Of a client subnet; none: any will do.
  std::optional<uint8_t> scope;
};

/// What may be answered at the name, wherever the client is.
inline Expected expected_of_anyone(const Answerable& asked) {
  return {asked.allowed.get(), asked.least, asked.most, {}};
}

/// Image and map joined as a POP joins them. Both outlive it.
class Locator {
 public:
  static Result<Locator> build(const core::ZoneImage& image, const geo::Map& map);

  /// Of a client at an address that its client subnet states, or of which it asks.
  Expected expected(const Answerable& asked, const geo::Address& located, bool by_subnet) const;

 private:
  Locator(const core::ZoneImage& image, const geo::Map& map, std::unique_ptr<const core::Join> join);

  const geo::Map* map_;
  std::unique_ptr<const core::Join> join_;
  std::vector<std::unique_ptr<const AddressSet>> sets_; // by RRset, null where it has no addresses
};

} // namespace anytick::bench
