#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "dataplane/core/clock.h"
#include "dataplane/core/counters.h"
#include "dataplane/core/limit.h"
#include "dataplane/core/ntp.h"
#include "dataplane/core/random.h"
#include "geo/map.h"

namespace anytick::core {

struct CookieKeys;
class Decks;
struct Frame;
struct Identity;
class InterleaveTable;
class Join;
class NtpKeys;
class Policy;
class ZoneImage;

/// The most frames of a burst.
inline constexpr size_t burst_max = 64;

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

/// An NTP reply that waits for the time at which it goes out.
struct Departure {
  Frame* frame = nullptr;
  NtpReply reply;
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
  const unsigned thread;                 ///< index among the threads that answer from the same views
  Limiter* limiter = nullptr;            ///< null: no limits
  const NtpKeys* ntp_keys = nullptr;     ///< null: no key is known
  InterleaveTable* interleave = nullptr; ///< null: basic mode only
  Decks* decks = nullptr;                ///< null: every answer is drawn for itself
  /// The owner sets these before each burst or message.
  uint32_t now = 0; ///< seconds since 1970 modulo 2^32
  Ticks ticks = 0;  ///< of a clock that never steps
  WallTime wall;
  ClockState clock_state;
  NtpTime waited = 0; ///< how long before `wall` a burst's frames could be received at the earliest, or a message was
  NtpTime delay = 0;  ///< that a burst's frames had behind them by then

  NtpClock clock;      ///< at `wall`, once there was NTP in the burst
  int64_t epoch = 0;   ///< of the clock_state that was told last
  uint64_t stamps = 0; ///< receive timestamps that were given
  std::array<Departure, burst_max> departures;
  size_t departing = 0; ///< NTP replies of the last burst, in the order of its frames
};

} // namespace anytick::core
