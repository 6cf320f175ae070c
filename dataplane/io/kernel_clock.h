#pragma once

#include <cstdint>

#include <sys/timex.h>

#include "dataplane/io/clock_report.h"

namespace anytick::io {

/// What the kernel knows of a clock that some daemon disciplines: whether it is synchronised, the leap second that is
/// announced, what is still to be slewed, and an error bound that begins, with some daemons, at zero. How far it is
/// from a reference it does not know: that is told.
struct KernelClock {
  uint8_t stratum = 3;
  uint32_t refid = 0;         ///< as on the wire
  double root_delay = 0;      ///< seconds
  double root_dispersion = 0; ///< seconds, that those of the kernel come on top of

  /// Reads it; nothing is set.
  ClockReport ask() const;
  /// `state`: what ntp_adjtime() returned. `adjusting`: what adjtime() still has to, seconds. `now`: CLOCK_REALTIME,
  /// nanoseconds.
  ClockReport report(const timex& time, int state, double adjusting, int64_t now) const;
};

} // namespace anytick::io
