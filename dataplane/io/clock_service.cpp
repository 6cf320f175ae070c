#include "dataplane/io/clock_service.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "dataplane/io/wall_clock.h"

namespace anytick::io {
namespace {

constexpr auto patience = std::chrono::milliseconds(100);
/// Without an answer for so long, this machine has no chronyd.
constexpr auto chrony_may_take = std::chrono::seconds(10);

std::string_view name_of(ClockSource source) {
  switch (source) {
  case ClockSource::automatic:
  case ClockSource::chrony:
    return "chrony";
  case ClockSource::kernel:
    return "kernel";
  case ClockSource::fixed:
    return "fixed";
  }
  return "";
}

ClockTracker::Rules rules_of(const ClockConfig& config, int64_t not_before) {
  ClockTracker::Rules rules;
  rules.max_age = std::chrono::nanoseconds(config.max_age).count();
  rules.not_before = not_before;
  rules.precision = measure_precision();
  return rules;
}

} // namespace

int measure_precision() {
  constexpr int samples = 1000;
  int64_t least = INT64_MAX;
  int64_t last = read_wall_clock().wall.realtime;
  for (int seen = 0; seen < samples;) {
    const int64_t next = read_wall_clock().wall.realtime;
    if (next == last) continue;
    least = std::min(least, std::max(next - last, int64_t{1}));
    last = next;
    ++seen;
  }
  return static_cast<int>(std::ceil(std::log2(static_cast<double>(least) * 1e-9)));
}

ClockService::ClockService(const ClockConfig& config, int64_t not_before)
    : config_(config), chrony_(config.chronyd), kernel_{config.kernel_stratum, 0, config.kernel_root_delay,
                                                        config.kernel_root_dispersion},
      tracker_(rules_of(config, not_before)), fixed_since_(read_wall_clock().wall.realtime) {
  cell_.store(tracker_.state());
  status_ = {std::string(name_of(config_.source)), tracker_.reason(), tracker_.state()};
}

void ClockService::start() {
  ask(); // so that a clock that is good is told as such from the first request on
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

ClockStatus ClockService::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

void ClockService::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stopped_.wait_for(lock, stop, tracker_.next_question(), [] { return false; }) && !stop.stop_requested()) {
    lock.unlock();
    ask();
    lock.lock();
  }
}

ClockReport ClockService::fixed_report() const {
  const FixedClock& fixed = config_.fixed;
  ClockReport report;
  report.synchronised = true;
  report.leap = fixed.leap;
  report.stratum = fixed.stratum;
  report.refid = fixed.refid;
  report.reference_time = fixed_since_;
  report.root_delay = fixed.root_delay;
  report.root_dispersion = fixed.root_dispersion;
  report.correction = fixed.correction;
  report.knows_steps = true;
  return report;
}

Result<ClockReport> ClockService::report() {
  if (config_.source == ClockSource::fixed) return fixed_report();
  if (config_.source == ClockSource::kernel) return kernel_.ask();
  Result<ClockReport> report = chrony_.ask(patience);
  if (report) chrony_answered_ = true;
  if (config_.source != ClockSource::automatic || chrony_answered_ || Clock::now() - started_ < chrony_may_take)
    return report;
  return kernel_.ask();
}

void ClockService::ask() {
  const core::WallTime before = read_wall_clock().wall;
  const Result<ClockReport> report = this->report();
  const core::WallTime after = read_wall_clock().wall;
  // After a step in between nobody knows of which clock the report is: the later reading is of the one that counts.
  const int64_t half = (after.monotonic - before.monotonic) / 2;
  const core::WallTime middle{after.realtime - half, after.monotonic - half};
  const bool stepped = core::is_step(before.epoch(), after.epoch());
  if (report && !stepped) {
    tracker_.report(*report, middle, half);
  } else {
    tracker_.miss(middle, report ? "the clock was stepped" : report.refusal().text());
  }
  publish();
}

void ClockService::publish() {
  const core::ClockState& state = tracker_.state();
  cell_.store(state);
  const bool of_kernel = config_.source == ClockSource::automatic && !chrony_answered_ && state.synchronised != 0;
  const std::string_view source = of_kernel ? name_of(ClockSource::kernel) : name_of(config_.source);
  {
    const std::lock_guard lock(mutex_);
    status_ = {std::string(source), tracker_.reason(), state};
  }
  const std::string text = state.synchronised != 0 ? fmt::format("synchronised by {}: stratum {}, leap {}", source,
                                                                 state.stratum, state.leap)
                                                   : fmt::format("not synchronised: {}", tracker_.reason());
  if (text == std::exchange(logged_, text)) return;
  spdlog::log(state.synchronised != 0 ? spdlog::level::info : spdlog::level::warn, "clock: {}", text);
}

} // namespace anytick::io
