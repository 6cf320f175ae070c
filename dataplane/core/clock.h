#pragma once

#include <cstdint>

#include "dataplane/core/snapshot.h"

/// Time as NTP has it (RFC 5905 6), and what is known of the clock that tells it. Nothing here reads a clock: readings
/// are handed in.
namespace anytick::core {

/// Seconds since 1900-01-01 00:00 UTC modulo 2^32, in units of 2^-32 s. Sums and differences are modulo 2^64, so that
/// the change of era at 2036-02-07 06:28:16 UTC is no event.
using NtpTime = uint64_t;
/// Root delay and root dispersion, in units of 2^-16 s.
using NtpShort = uint32_t;

/// `nanoseconds` since 1970, of any sign; rounded down.
NtpTime ntp_time(int64_t nanoseconds);
/// A duration in NTP's units, rounded down.
NtpTime ntp_duration(uint64_t nanoseconds);
/// Rounded up; what is negative, too large or no number is the largest.
NtpShort ntp_short(double seconds);

/// Both clocks of the system at one moment, nanoseconds.
struct WallTime {
  int64_t realtime = 0;  ///< CLOCK_REALTIME, since 1970
  int64_t monotonic = 0; ///< CLOCK_MONOTONIC: slewed as CLOCK_REALTIME is, and never stepped

  /// Between two steps of the clock always the same.
  int64_t epoch() const { return realtime - monotonic; }
};

/// What is known of the clock since `measured`. Times are nanoseconds, those named monotonic are CLOCK_MONOTONIC's.
struct ClockState {
  uint64_t synchronised = 0; ///< 0 or 1. Where it is 0 only not_before and precision mean anything
  uint32_t leap = 3;         ///< RFC 5905 figure 9: 0 none, 1 a second more, 2 one less at the end of the month
  uint32_t stratum = 0;      ///< 1..15
  uint32_t refid = 0;        ///< as on the wire
  int32_t precision = -20;   ///< log2 of seconds
  NtpTime reference_time = 0;
  double root_delay = 0;      ///< seconds
  double root_dispersion = 0; ///< seconds, when measured
  double wander = 0;          ///< what root_dispersion grows by, seconds per second
  double slope = 0;           ///< of the correction, seconds per second
  int64_t correction = 0;     ///< when measured: NTP time is CLOCK_REALTIME and this
  int64_t measured = 0;       ///< monotonic
  int64_t expires = 0;        ///< monotonic: what is known is not believed from then on
  int64_t epoch = 0;          ///< WallTime::epoch(), when measured
  int64_t not_before = 0;     ///< CLOCK_REALTIME: an earlier one is a clock that was never set
};

/// What replies say of the clock, and the time at one reading of it.
struct NtpClock {
  NtpTime now = 0;
  uint8_t leap = 3; ///< 3 with stratum 0: not synchronised
  uint8_t stratum = 0;
  int8_t precision = 0;
  uint32_t refid = 0; ///< as on the wire
  NtpTime reference_time = 0;
  NtpShort root_delay = 0;
  NtpShort root_dispersion = 0;

  bool is_synchronised() const { return stratum != 0; }
};

/// A step of the clock below this is taken for the time that it takes to read it.
inline constexpr int64_t step_tolerance = 100'000; // ns
/// Whether the clock was stepped between two epochs.
inline bool is_step(int64_t from, int64_t to) {
  return to - from > step_tolerance || to - from < -step_tolerance;
}
/// Where dispersion and half the delay are more (MAXDIST, RFC 5905 11.2.3), nobody would synchronise to us anyway.
inline constexpr double root_distance_max = 1.0; // s

/// Not synchronised where the state is not, has expired, or was of a time before a step; where the reading is before
/// not_before; where the root distance is too large. `unsure`: seconds, dispersion that is not the clock's.
NtpClock clock_at(const ClockState& state, const WallTime& at, double unsure = 0);

using ClockCell = Snapshot<ClockState>;

} // namespace anytick::core
