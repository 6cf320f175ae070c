#pragma once

#include <cstdint>

#include "dataplane/core/counters.h"
#include "dataplane/core/limit.h"
#include "dataplane/core/random.h"
#include "geo/map.h"

namespace anytick::core {

struct CookieKeys;
struct Identity;
class Join;
class Policy;
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
  const Policy* policy = nullptr;          ///< null: every query is allowed
};

/// Who asks.
struct Client {
  geo::Address address;
  bool udp = true; ///< false: over a stream, so that the address is known to be the client's, and 65,535 bytes may be
                   ///< answered
};

/// What one thread owns. Not movable: others hold a pointer to read the counters.
struct WorkerState {
  explicit WorkerState(uint64_t seed, unsigned thread_index = 0) : random(seed), thread(thread_index) {}
  WorkerState(const WorkerState&) = delete;
  WorkerState& operator=(const WorkerState&) = delete;

  /// The limiter, if there is one and it is not off.
  Limiter* limits() const { return limiter == nullptr || limiter->is_off() ? nullptr : limiter; }

  Counters counters;
  Random random;
  const unsigned thread;      ///< index among the threads that answer from the same views
  Limiter* limiter = nullptr; ///< null: no limits
  uint32_t now = 0;           ///< seconds since 1970 modulo 2^32; the owner sets both before each burst or message
  Ticks ticks = 0;            ///< of a clock that never steps
};

} // namespace anytick::core
