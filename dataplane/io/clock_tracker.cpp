#include "dataplane/io/clock_tracker.h"

#include <cmath>
#include <cstdlib>

namespace anytick::io {
namespace {

constexpr int64_t second = 1'000'000'000;

constexpr auto often = std::chrono::milliseconds(20);
constexpr auto seldom = std::chrono::milliseconds(250);
constexpr int64_t slope_over_at_least = 5'000'000;

constexpr double drift = 15e-6;            // RFC 5905 7.3 PHI: of a clock that nobody corrects
constexpr double slope_max = 0.11;         // the kernel slews by 100,000 ppm at most, and 500
constexpr int64_t ahead_max = second / 10; // of a reference time: more is of another clock

constexpr int64_t leap_slack = second / 10;
constexpr int64_t leap_pause = 2 * second;

bool is_leap_second(uint8_t announced, int64_t step) {
  const int64_t due = announced == 1 ? -second : second; // one more: the last one is had twice
  return announced != 0 && std::llabs(step - due) < leap_slack;
}

double seconds(int64_t nanoseconds) {
  return static_cast<double>(nanoseconds) * 1e-9;
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

void ClockTracker::look_for_step(const core::WallTime& at) {
  if (seen_) {
    const int64_t epoch = at.realtime - at.monotonic;
    const int64_t step = epoch - (seen_->realtime - seen_->monotonic);
    if (std::llabs(step) > core::step_tolerance) {
      step_ = {seen_->monotonic + epoch, reference_time_, at.monotonic, is_leap_second(leap_, step)};
      doubt("the clock was stepped");
    }
  }
  seen_ = at;
}

/// Whether the report is of the clock as it runs after the step.
bool ClockTracker::is_settled(const ClockReport& report, const core::WallTime& at) const {
  if (step_->leap) return at.monotonic - step_->seen >= leap_pause;
  if (report.knows_steps) return true;
  return report.reference_time != step_->before && report.reference_time >= step_->after;
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
    doubt("the source is not synchronised");
    return;
  }
  if (at.realtime < rules_.not_before) {
    doubt("the clock is earlier than this program");
    return;
  }
  const int64_t now = at.realtime + static_cast<int64_t>(report.correction * 1e9);
  if (report.reference_time > now + ahead_max) {
    miss(at, "its reference time is in the future");
    return;
  }
  if (step_ && !is_settled(report, at)) return;
  step_.reset();
  const std::optional<double> slope = slope_to(report, at);
  slope_known_ = slope.has_value();
  known_ = {report, at};
  leap_ = report.leap;
  reference_time_ = report.reference_time;
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
  state_.correction = static_cast<int64_t>(report.correction * 1e9);
  state_.measured = at.monotonic;
  state_.expires = at.monotonic + rules_.max_age;
  state_.epoch = at.realtime - at.monotonic;
}

void ClockTracker::miss(const core::WallTime& at, const std::string& reason) {
  look_for_step(at);
  if (known_ && !slope_known_) state_.wander = slope_max;
  if (state_.synchronised == 0 || at.monotonic >= state_.expires) doubt(reason);
}

} // namespace anytick::io
