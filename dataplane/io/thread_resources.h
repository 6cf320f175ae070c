#pragma once

#include "dataplane/core/clock.h"
#include "dataplane/core/interleave.h"
#include "dataplane/core/limit.h"
#include "dataplane/core/ntp_auth.h"
#include "dataplane/core/view.h"

namespace anytick::io {

/// What one thread that answers has beside its tables. All is its own but the clock; all outlives it.
struct ThreadResources {
  const core::ClockCell* clock = nullptr;      ///< null: NTP is told that there is none
  core::Limiter* limiter = nullptr;            ///< null: no limits
  const core::NtpKeys* ntp_keys = nullptr;     ///< null: no key is known
  core::InterleaveTable* interleave = nullptr; ///< null: basic mode only

  /// All but the clock, for the thread's own state.
  void give_to(core::WorkerState& worker) const {
    worker.limiter = limiter;
    worker.ntp_keys = ntp_keys;
    worker.interleave = interleave;
  }
};

} // namespace anytick::io
