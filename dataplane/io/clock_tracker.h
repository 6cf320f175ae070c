#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "dataplane/core/clock.h"
#include "dataplane/io/clock_report.h"

namespace anytick::io {

/// Makes of what a source reports, a few times a second, what may be told of the clock until it reports again. The
/// rule: the time that is told is wrong by no more than the root dispersion that is told with it, whatever becomes of
/// the clock and the source meanwhile; where that cannot be, the clock is not synchronised. Times are nanoseconds. No
/// I/O.
///
/// - A correction is being slewed away, at a rate of up to 83,333 ppm (chronyd). While the source thinks the same,
/// which its
///   reference time tells, two corrections give the slope; the correction itself may end, or begin to shrink, at any
///   moment: so |correction| counts as dispersion, and that grows by |slope|.
/// - Where the slope is not known, the next question comes soon. If it has no answer, the slope may be any.
/// - A step is seen by CLOCK_REALTIME - CLOCK_MONOTONIC. What was known before it is worth nothing until the source has
///   measured the clock again: chronyd steps it when it has; after an operator, or a suspended machine, that takes
///   time.
/// - A leap second that was announced is a step of one second that needs no new measurement, but a pause: while it is
/// in
///   progress there is no time to be told.
class ClockTracker {
 public:
  struct Rules {
    int64_t max_age = 10'000'000'000; ///< of a report
    int64_t not_before = 0;           ///< CLOCK_REALTIME: an earlier one was never set
    int precision = -20;              ///< log2 of seconds
  };

  explicit ClockTracker(const Rules& rules);

  /// `at`: when it was true, give or take `uncertainty`.
  void report(const ClockReport& report, const core::WallTime& at, int64_t uncertainty = 0);
  /// The source did not answer, or not sense; `reason` says so.
  void miss(const core::WallTime& at, const std::string& reason);

  const core::ClockState& state() const { return state_; }
  /// Why the clock is not synchronised; empty if it is.
  const std::string& reason() const { return reason_; }
  std::chrono::milliseconds next_question() const;

 private:
  struct Known {
    ClockReport report;
    core::WallTime at;
  };
  /// What has to come before the clock is believed again.
  struct Step {
    int64_t after;  ///< a measurement after this, CLOCK_REALTIME
    int64_t before; ///< reference time before the step
    int64_t seen;   ///< monotonic
    bool leap;
  };

  void look_for_step(const core::WallTime& at);
  bool is_settled(const ClockReport& report, const core::WallTime& at) const;
  std::optional<double> slope_to(const ClockReport& report, const core::WallTime& at) const;
  void doubt(const std::string& reason);

  const Rules rules_;
  core::ClockState state_;
  std::string reason_ = "nothing was reported yet";
  std::optional<core::WallTime> seen_; ///< the last reading
  std::optional<Known> known_;         ///< the last good report, none since a step
  std::optional<Step> step_;
  uint8_t leap_ = 0; ///< what was announced last
  int64_t reference_time_ = 0;
  bool slope_known_ = false;
};

} // namespace anytick::io
