#include "tests/unit/io_clock_world.h"

#include <algorithm>
#include <cmath>

namespace anytick::io::test {
namespace {

constexpr double drift_max = 10e-6;
constexpr int64_t leap_lasts = ClockWorld::second * 9 / 5; // two seconds of a clock that is slewed forward
constexpr double leap_near = 1;                            // s
constexpr int64_t day = 86'400 * ClockWorld::second;

double seconds(int64_t nanoseconds) {
  return static_cast<double>(nanoseconds) * 1e-9;
}

} // namespace

ClockWorld::ClockWorld(uint64_t seed, int64_t truth, double ahead) : random_(seed), truth_(truth), error_(ahead) {
  std::uniform_real_distribution<double> drift(-drift_max, drift_max), magnitude(std::log(1e-7), std::log(5e-3));
  drift_ = drift(random_);
  bound_ = std::exp(magnitude(random_));
  epoch_ = truth - static_cast<int64_t>(random_() % 1'000'000) * second;
}

core::WallTime ClockWorld::wall() const {
  const int64_t realtime = truth_ + std::llround((error_ - correction_) * 1e9);
  return {realtime, realtime - epoch_};
}

void ClockWorld::advance(int64_t nanoseconds) {
  const double time = seconds(nanoseconds);
  error_ += drift_ * time;
  const double before = correction_;
  correction_ -= slew_ * time;
  if (alive_ && slew_ != 0 && before * correction_ <= 0) correction_ = slew_ = 0; // chronyd ends it
  truth_ += nanoseconds;
  passed_ += nanoseconds;
}

void ClockWorld::pass(int64_t nanoseconds) {
  // The last second of a day is left out, or had once more after the day's end.
  const int64_t to_midnight = day - truth_ % day;
  const int64_t to_leap = leap_ == 2 ? to_midnight - second : to_midnight;
  if (leap_ == 0 || nanoseconds < to_leap) return advance(nanoseconds);
  advance(to_leap);
  // The kernel has its leap second at its own midnight; one that is far from ours is no leap second.
  if (std::abs(error_ - correction_) < leap_near) take_leap();
  leap_ = 0;
  advance(nanoseconds - to_leap);
}

void ClockWorld::take_leap() {
  const int64_t change = leap_ == 1 ? -second : second;
  truth_ += change; // and CLOCK_REALTIME with it
  epoch_ += change;
  leap_ends_ = passed_ + leap_lasts;
}

void ClockWorld::step(int64_t nanoseconds) {
  error_ += seconds(nanoseconds);
  epoch_ += nanoseconds;
  stepped_ = true;
}

void ClockWorld::suspend(int64_t nanoseconds) {
  // CLOCK_REALTIME comes back from a clock of whole seconds.
  const auto lost = static_cast<int64_t>(random_() % second);
  truth_ += nanoseconds;
  passed_ += nanoseconds;
  epoch_ += nanoseconds - lost;
  error_ -= seconds(lost);
  stepped_ = true;
}

void ClockWorld::announce_leap(uint8_t leap) {
  leap_ = leap;
}

void ClockWorld::measure() {
  if (!alive_ || frozen_) return;
  std::uniform_real_distribution<double> error(-bound_, bound_);
  const double ahead = error_ - correction_;
  error_ = error(random_);
  correction_ = error_ - ahead;
  slew_ = 0;
  reference_time_ = truth_ + std::llround(error_ * 1e9);
  measured_at_ = passed_;
  measured_ = true;
  stepped_ = false;
}

void ClockWorld::start_slew(double rate) {
  if (alive_ && !frozen_) slew_ = std::copysign(rate, correction_);
}

void ClockWorld::make_step() {
  if (!alive_ || frozen_) return;
  epoch_ += std::llround(correction_ * 1e9);
  correction_ = slew_ = 0;
}

void ClockWorld::die(bool cleanly) {
  alive_ = false;
  frozen_.reset();
  if (cleanly) slew_ = 0;
}

void ClockWorld::start() {
  error_ -= correction_;
  correction_ = slew_ = 0;
  alive_ = true;
  measured_ = false;
}

void ClockWorld::freeze(bool frozen) {
  frozen_ = frozen && alive_ ? std::optional(honest_report()) : std::nullopt;
}

ClockReport ClockWorld::honest_report() const {
  ClockReport report;
  report.synchronised = measured_;
  report.leap = leap_;
  report.stratum = 2;
  report.refid = 0x01020304;
  report.reference_time = reference_time_;
  report.root_dispersion = bound_ + drift_max * seconds(passed_ - measured_at_);
  report.correction = correction_;
  return report;
}

std::optional<ClockReport> ClockWorld::report() const {
  if (!alive_) return std::nullopt;
  ClockReport report = frozen_ ? *frozen_ : honest_report();
  switch (lie_) {
  case Lie::none:
    break;
  case Lie::stratum:
    report.stratum = 0;
    break;
  case Lie::reference_time:
    report.reference_time += 1000 * day; // nearer, it may be what chronyd really measured
    break;
  case Lie::correction:
    report.correction = 1e9;
    break;
  case Lie::dispersion:
    report.root_dispersion = -1;
    break;
  case Lie::leap:
    report.leap = 7;
    break;
  }
  return report;
}

} // namespace anytick::io::test
