#pragma once

#include <cstdint>

namespace anytick::io {

/// What a source says of the machine's clock at one moment. Of one that is not synchronised nothing else counts.
struct ClockReport {
  bool synchronised = false;
  uint8_t leap = 0;    ///< 0 none, 1 a second more, 2 one less at the end of the month
  uint8_t stratum = 0; ///< 1..15
  uint32_t refid = 0;  ///< as on the wire
  /// CLOCK_REALTIME, nanoseconds, when the clock was last measured. Where another follows, the source has thought anew.
  int64_t reference_time = 0;
  double root_delay = 0;      ///< seconds
  double root_dispersion = 0; ///< seconds
  double correction = 0;      ///< seconds: NTP time is CLOCK_REALTIME and this
  bool knows_steps = false;   ///< it is not synchronised after a step of the clock until it was measured again

  bool operator==(const ClockReport&) const = default;
};

} // namespace anytick::io
