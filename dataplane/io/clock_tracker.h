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
///   which its reference time tells, two corrections give the slope; the correction itself may end, or begin to
///   shrink, at any moment: so |correction| counts as dispersion, and that grows by |slope|.
/// - Where the slope is not known, the next question comes soon.
/// - A question without an answer: the source may have begun a slew after its last report and ended in the midst of
///   it, so that the slope may be any since then.
/// - A report that repeats itself, though its dispersion has to grow, is none: who says it does not look at the clock.
/// - A step is seen by CLOCK_REALTIME - CLOCK_MONOTONIC. What was known before it is worth nothing until the source
///   has measured the clock again, which another reference time tells: chronyd steps it when it has; after an
///   operator, or a suspended machine, that takes time. Of the first report after a step that may be a measurement
///   just before it. It is believed only if the step, being longer than the time that nobody asked, makes plain on
///   which side of it the reference time is.
/// - A leap second that was announced is a step of one second at midnight UTC that needs no new measurement, but a
///   pause: while it is in progress there is no time to be told.
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
    int64_t from = 0, to = 0; ///< CLOCK_REALTIME after the step: the source's own comes after a measurement in there
    bool is_plain = false;    ///< no measurement before the step can be taken for one in there
    int64_t before = 0;       ///< reference time of a measurement before it
    bool reported = false;    ///< there was a report after it
  };

  void look_for_step(const core::WallTime& at);
  void step_by(int64_t step, const core::WallTime& at);
  bool is_settled(const ClockReport& report);
  void take(const ClockReport& report, const core::WallTime& at, int64_t uncertainty);
  std::optional<double> slope_to(const ClockReport& report, const core::WallTime& at) const;
  void doubt(const std::string& reason);

  const Rules rules_;
  core::ClockState state_;
  std::string reason_ = "nothing was reported yet";
  std::optional<core::WallTime> seen_; ///< the last reading
  std::optional<Known> known_;         ///< the last good report, none since a step
  std::optional<Step> step_;
  uint8_t leap_ = 0;               ///< what was announced last
  ClockReport last_;               ///< whether it was believed or not
  int64_t pause_ends_ = INT64_MIN; ///< monotonic: of a leap second
  int64_t reported_ = 0;           ///< monotonic, when that was
  bool slope_known_ = false;
};

} // namespace anytick::io
