#pragma once

#include <cstdint>

#include "dataplane/core/clock.h"

namespace anytick::io {

/// Whether the TSC runs at one rate and never stops (CPUID 8000'0007h EDX bit 8). Where it does not, times within a
/// burst are not to be trusted.
bool has_invariant_tsc();

/// TSC ticks to time, for the length of a burst: the rate is measured, as rte_get_tsc_hz() may be rounded to 10 MHz.
class TscScale {
 public:
  /// Measured once, for a twentieth of a second, against CLOCK_MONOTONIC_RAW; thread-safe.
  static TscScale measured();

  double hz() const { return hz_; }
  core::NtpTime ntp_duration(uint64_t ticks) const {
    return static_cast<core::NtpTime>(static_cast<double>(ticks) * units_per_tick_);
  }

 private:
  explicit TscScale(double hz) : hz_(hz), units_per_tick_(4294967296.0 / hz) {}

  double hz_;
  double units_per_tick_;
};

} // namespace anytick::io
