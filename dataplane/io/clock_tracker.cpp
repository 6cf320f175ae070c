#include "dataplane/io/clock_tracker.h"

#include <cmath>
#include <cstdlib>
#include <utility>

namespace anytick::io {
namespace {

constexpr int64_t second = 1'000'000'000;

constexpr auto often = std::chrono::milliseconds(20);
constexpr auto seldom = std::chrono::milliseconds(250);
constexpr int64_t slope_over_at_least = 5'000'000;

constexpr double drift = 15e-6;            // RFC 5905 7.3 PHI: of a clock that nobody corrects
constexpr double slope_max = 0.11;         // the kernel slews by 100,000 ppm at most, and 500
constexpr int64_t ahead_max = second / 10; // of a reference time: more is of another clock

/// Of a reference time, as a reading of CLOCK_REALTIME: what was slewed since then.
constexpr int64_t reference_slack = second / 20;

constexpr int64_t leap_pause = 2 * second;

/// Whether there is a midnight, UTC, between two readings or close to them.
bool is_midnight(int64_t from, int64_t to) {
  constexpr int64_t day = 86'400 * second;
  return (from - leap_pause) / day != (to + leap_pause) / day;
}

bool is_leap_second(uint8_t announced, int64_t step) {
  const int64_t due = announced == 1 ? -second : second; // one more: the last one is had twice
  return !core::is_step(due, step);
}

double seconds(int64_t duration) {
  return static_cast<double>(duration) * 1e-9;
}

int64_t nanoseconds(double duration) {
  return static_cast<int64_t>(duration * 1e9);
}

/// chronyd's dispersion grows from one report to the next.
bool is_repeated(const ClockReport& report, const ClockReport& last) {
  return !report.knows_steps && report.reference_time == last.reference_time && report.correction == last.correction &&
         report.root_dispersion == last.root_dispersion;
}

} // namespace

ClockTracker::ClockTracker(const Rules& rules) : rules_(rules) {
  state_.not_before = rules.not_before;
  state_.precision = rules.precision;
}

std::chrono::milliseconds ClockTracker::next_question() const {
  return known_ && !slope_known_ ? often : seldom;
}

void ClockTracker::doubt(const std::string& reason) {
  state_.synchronised = 0;
  known_.reset();
  slope_known_ = false;
  reason_ = reason;
}

void ClockTracker::step_by(int64_t step, const core::WallTime& at) {
  doubt("the clock was stepped");
  if (leap_ != 0 && is_midnight(seen_->realtime, at.realtime)) {
    pause_ends_ = at.monotonic + leap_pause;
    if (is_leap_second(leap_, step)) {
      if (!step_) return;
      step_->from += step;
      step_->to += step;
      return;
    }
  }
  const int64_t unknown = at.monotonic - reported_ + 2 * reference_slack;
  step_ = {.from = seen_->realtime + step,
           .to = at.realtime + reference_slack,
           .is_plain = std::llabs(step) > unknown,
           .before = last_.reference_time};
}

void ClockTracker::look_for_step(const core::WallTime& at) {
  if (seen_ && core::is_step(seen_->epoch(), at.epoch())) step_by(at.epoch() - seen_->epoch(), at);
  seen_ = at;
}

/// Whether the report is of the clock as it runs after the step.
bool ClockTracker::is_settled(const ClockReport& report) {
  if (report.knows_steps) return true;
  const bool measured_again = report.reference_time != std::exchange(step_->before, report.reference_time);
  if (std::exchange(step_->reported, true) || !measured_again) return measured_again;
  const int64_t measured = report.reference_time - nanoseconds(report.correction);
  return step_->is_plain && measured >= step_->from && measured <= step_->to;
}

/// Of the correction since the last report; nothing where that says nothing.
std::optional<double> ClockTracker::slope_to(const ClockReport& report, const core::WallTime& at) const {
  if (report.knows_steps) return 0; // it corrects nothing
  if (!known_ || known_->report.reference_time != report.reference_time) return std::nullopt;
  const int64_t since = at.monotonic - known_->at.monotonic;
  if (since < slope_over_at_least) return std::nullopt;
  const double slope = (report.correction - known_->report.correction) / seconds(since);
  return std::abs(slope) <= slope_max ? std::optional(slope) : std::nullopt;
}

void ClockTracker::report(const ClockReport& report, const core::WallTime& at, int64_t uncertainty) {
  look_for_step(at);
  if (!report.synchronised) {
    reported_ = at.monotonic;
    doubt("the source is not synchronised");
    return;
  }
  if (at.realtime < rules_.not_before) {
    doubt("the clock is earlier than this program");
    return;
  }
  if (report.reference_time > at.realtime + nanoseconds(report.correction) + ahead_max) {
    // After a step backwards: the source has not measured again yet.
    if (step_ && report.reference_time == last_.reference_time) step_->reported = true;
    miss(at, "its reference time is in the future");
    return;
  }
  reported_ = at.monotonic;
  const bool repeated = is_repeated(report, std::exchange(last_, report));
  if ((step_ && !is_settled(report)) || at.monotonic < pause_ends_) return;
  if (repeated) {
    miss(at, "the source repeats itself");
    return;
  }
  take(report, at, uncertainty);
}

void ClockTracker::take(const ClockReport& report, const core::WallTime& at, int64_t uncertainty) {
  step_.reset();
  const std::optional<double> slope = slope_to(report, at);
  slope_known_ = slope.has_value();
  known_ = {report, at};
  leap_ = report.leap;
  reason_.clear();

  state_.synchronised = 1;
  state_.leap = report.leap;
  state_.stratum = report.stratum;
  state_.refid = report.refid;
  state_.reference_time = core::ntp_time(report.reference_time);
  state_.root_delay = report.root_delay;
  state_.slope = slope.value_or(0);
  state_.wander = drift + std::abs(state_.slope);
  state_.root_dispersion = report.root_dispersion + std::abs(report.correction) +
                           (slope_known_ ? state_.wander : slope_max) * seconds(uncertainty);
  state_.correction = nanoseconds(report.correction);
  state_.measured = at.monotonic;
  state_.expires = at.monotonic + rules_.max_age;
  state_.epoch = at.epoch();
}

void ClockTracker::miss(const core::WallTime& at, const std::string& reason) {
  look_for_step(at);
  if (known_) state_.wander = slope_max;
  if (state_.synchronised == 0 || at.monotonic >= state_.expires) doubt(reason);
}

} // namespace anytick::io
