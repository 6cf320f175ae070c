#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/core/cookie.h"

namespace anytick::bench {

/// Server cookies by client; those that share a place take it from each other.
class CookieJar {
 public:
  void keep(uint32_t client, const core::ServerCookie& cookie) { places_[client % places] = {true, client, cookie}; }
  /// Null where it has none.
  const core::ServerCookie* find(uint32_t client) const {
    const Place& place = places_[client % places];
    return place.taken && place.client == client ? &place.cookie : nullptr;
  }

 private:
  static constexpr uint32_t places = 1 << 16;
  struct Place {
    bool taken = false;
    uint32_t client = 0;
    core::ServerCookie cookie{};
  };
  std::vector<Place> places_ = std::vector<Place>(places);
};

} // namespace anytick::bench
