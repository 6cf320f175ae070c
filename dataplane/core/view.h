#pragma once

#include <cstdint>

#include "dataplane/core/counters.h"
#include "dataplane/core/random.h"
#include "geo/map.h"

namespace anytick::core {

class Join;
class ZoneImage;

/// What a burst is answered from: shared, immutable while the reader is between two quiescent points.
/// `join` is null until a zone was loaded (then every query gets SERVFAIL); `map` may be null (then nobody is
/// anywhere).
struct View {
  const ZoneImage* image = nullptr;
  const geo::Map* map = nullptr;
  const Join* join = nullptr;
};

/// What one thread owns. Not movable: others hold a pointer to read the counters.
struct WorkerState {
  explicit WorkerState(uint64_t seed) : random(seed) {}
  WorkerState(const WorkerState&) = delete;
  WorkerState& operator=(const WorkerState&) = delete;

  Counters counters;
  Random random;
};

} // namespace anytick::core
