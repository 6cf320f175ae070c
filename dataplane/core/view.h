#pragma once

#include <cstdint>

#include "dataplane/core/counters.h"
#include "dataplane/core/random.h"
#include "geo/map.h"

namespace anytick::core {

struct CookieKeys;
struct Identity;
class Join;
class ZoneImage;

/// What a burst is answered from: shared, immutable while the reader is between two quiescent points.
/// `join` is null until a zone was loaded (then every query gets SERVFAIL); `map` may be null (then nobody is
/// anywhere).
struct View {
  const ZoneImage* image = nullptr;
  const geo::Map* map = nullptr;
  const Join* join = nullptr;
  const CookieKeys* cookie_keys = nullptr; ///< null: cookies are ignored
  const Identity* identity = nullptr;      ///< null: says nothing of itself
};

/// Who asks.
struct Client {
  geo::Address address;
  bool udp = true; ///< false: over a stream, so 65,535 bytes may be answered and nothing is truncated below that
};

/// What one thread owns. Not movable: others hold a pointer to read the counters.
struct WorkerState {
  explicit WorkerState(uint64_t seed) : random(seed) {}
  WorkerState(const WorkerState&) = delete;
  WorkerState& operator=(const WorkerState&) = delete;

  Counters counters;
  Random random;
  uint32_t now = 0; ///< seconds since 1970 modulo 2^32; the owner sets it before each burst or message
};

} // namespace anytick::core
