#pragma once

#include <cstdint>

#include <sys/timex.h>

#include "dataplane/io/clock_report.h"

namespace anytick::io {

/// What the kernel knows of a clock that some daemon disciplines: whether it is synchronised, the leap second that is
/// announced, and an error bound. How far it is from a reference it does not know: that is told.
struct KernelClock {
  uint8_t stratum = 3;
  uint32_t refid = 0; ///< as on the wire

  /// Reads it; nothing is set.
  ClockReport ask() const;
  /// `state`: what ntp_adjtime() returned. `now`: CLOCK_REALTIME, nanoseconds.
  ClockReport report(const timex& time, int state, int64_t now) const;
};

} // namespace anytick::io
