#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "dataplane/core/cookie.h"

namespace anytick::bench {

/// Server cookies by client; where there are more clients than places, those that share one take it from each other.
class CookieJar {
 public:
  static constexpr uint64_t places_max = 1 << 22;

  explicit CookieJar(uint64_t clients) : places_(std::clamp<uint64_t>(clients, 1, places_max)) {}

  void keep(uint32_t client, const core::ServerCookie& cookie) {
    places_[client % places_.size()] = {true, client, cookie};
  }
  /// Null where it has none.
  const core::ServerCookie* find(uint32_t client) const {
    const Place& place = places_[client % places_.size()];
    return place.taken && place.client == client ? &place.cookie : nullptr;
  }

 private:
  struct Place {
    bool taken = false;
    uint32_t client = 0;
    core::ServerCookie cookie{};
  };
  std::vector<Place> places_;
};

} // namespace anytick::bench
