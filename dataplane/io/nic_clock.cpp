#include "dataplane/io/nic_clock.h"

#include <algorithm>
#include <cmath>

namespace anytick::io {
namespace {

constexpr size_t points_max = 32;
constexpr size_t points_min = 8;
constexpr unsigned doubts_max = 3;
constexpr unsigned spare_bits[] = {8, 16, 24, 32};
constexpr double rate_error = 10e-6;

// Seconds.
constexpr double look_soon = 0.09; ///< callers come every tenth of a second, more or less
constexpr double look_later = 0.95;
constexpr double look_max = 20e-6; ///< what took longer was interrupted
constexpr double span_min = 0.5;   ///< of readings that make a line
constexpr double line_max = 4;     ///< without a reading
constexpr double reach = 1;
constexpr double slack = 20e-6;
constexpr double unit_max = 2e-6;
constexpr double step_min = 1e-6;

/// Modulo what the device counts to: the one nearest to zero.
int64_t difference(uint64_t left, uint64_t right, unsigned spare = 0) {
  return static_cast<int64_t>((left - right) << spare) >> spare;
}

double real_difference(uint64_t left, uint64_t right) {
  return static_cast<double>(difference(left, right));
}

/// The lower one of an even number. Precondition: there are some.
double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<ptrdiff_t>((values.size() - 1) / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

} // namespace

NicClock::NicClock(double tsc_hz) : tsc_hz_(tsc_hz) {
  points_.reserve(points_max + 1);
}

bool NicClock::is_due(uint64_t now) const {
  const bool settled = state_ == State::coarse || (state_ == State::good && points_.size() == points_max);
  return looked_ == 0 || now - looked_ >= ticks_in(settled ? look_later : look_soon);
}

void NicClock::feed(std::span<const NicReading> readings) {
  if (readings.empty()) return;
  const auto width = [](const NicReading& reading) { return reading.after - reading.before; };
  const NicReading& best = *std::ranges::min_element(readings, {}, width);
  looked_ = readings.back().after;
  if (width(best) > ticks_in(look_max)) return;
  const Point read{best.device, best.before + width(best) / 2, static_cast<double>(width(best)) / 2};
  if (line_.ticks > 0) {
    if (const auto device = follow(best.device, read)) {
      add({*device, read.tsc, read.error});
    } else {
      doubt(read);
    }
  } else if (!points_.empty() && best.device < last_) {
    restart(read);
  } else {
    add(read);
  }
  last_ = best.device;
}

/// The device's clock as if it counted with 64 bits, if it is where the line has it. A clock that went back may have
/// come round: it is then where the line has it but for the bits that it does not have.
std::optional<uint64_t> NicClock::follow(uint64_t device, const Point& read) {
  const double since = real_difference(read.tsc, line_.tsc);
  const uint64_t expected = line_.device + static_cast<uint64_t>(std::llround(since / line_.ticks));
  const double allowed = (read.error + step_min * tsc_hz_ + rate_error * since) / line_.ticks + 2;
  const auto is_near = [&](unsigned spare) {
    return std::abs(static_cast<double>(difference(device, expected, spare))) <= allowed;
  };
  if (!is_near(spare_)) {
    if (spare_ != 0 || device >= last_) return std::nullopt;
    const auto* const narrower =
        std::ranges::find_if(spare_bits, [&](unsigned spare) { return last_ >> (64 - spare) == 0 && is_near(spare); });
    if (narrower == std::end(spare_bits)) return std::nullopt;
    spare_ = *narrower;
  }
  return expected + static_cast<uint64_t>(difference(device, expected, spare_));
}

void NicClock::doubt(const Point& read) {
  if (++doubts_ == doubts_max) return restart(read);
  state_ = State::learning;
  publish();
}

void NicClock::restart(const Point& read) {
  ++restarts_;
  spare_ = 0;
  line_ = {};
  points_.clear();
  add(read);
}

/// What is not straight enough for one line, as a rate that was steered is not, becomes so by forgetting the oldest.
void NicClock::add(const Point& point) {
  doubts_ = 0;
  points_.push_back(point);
  if (points_.size() > points_max) points_.erase(points_.begin());
  std::optional<NicLine> line = fit();
  while (line && !is_believable(*line)) {
    if (points_.size() == points_min) {
      line.reset();
    } else {
      points_.erase(points_.begin());
      line = fit();
    }
  }
  line_ = line.value_or(NicLine{});
  state_ = State::learning;
  if (line_.ticks > 0) state_ = line_.ticks > unit_max * tsc_hz_ ? State::coarse : State::good;
  publish();
}

/// Theil and Sen's: the median of the slopes of all pairs, then of what each point is above it.
std::optional<NicLine> NicClock::fit() const {
  const Point& last = points_.back();
  if (points_.size() < points_min || last.tsc - points_.front().tsc < ticks_in(span_min)) return std::nullopt;
  std::vector<double> slopes;
  slopes.reserve(points_max * points_max / 2);
  for (size_t right = 1; right < points_.size(); ++right) {
    for (size_t left = 0; left < right; ++left) {
      const double device = real_difference(points_[right].device, points_[left].device);
      if (device > 0) slopes.push_back(real_difference(points_[right].tsc, points_[left].tsc) / device);
    }
  }
  if (slopes.empty()) return std::nullopt;
  NicLine line;
  line.device = last.device;
  line.ticks = median(slopes);
  std::vector<double> above;
  above.reserve(points_.size());
  for (const Point& point : points_)
    above.push_back(real_difference(point.tsc, last.tsc) - real_difference(point.device, last.device) * line.ticks);
  line.tsc = last.tsc + static_cast<uint64_t>(std::llround(median(above)));
  line.spare = spare_;
  line.good_until = last.tsc + ticks_in(line_max);
  line.reach = ticks_in(reach);
  line.slack = ticks_in(slack);
  return line;
}

/// Whether three of four points are on it, and the last, from which it goes on.
bool NicClock::is_believable(const NicLine& line) const {
  const auto is_on_it = [&](const Point& point) {
    const double above = real_difference(point.tsc, line.tsc) - real_difference(point.device, line.device) * line.ticks;
    return std::abs(above) <= point.error + step_min * tsc_hz_ + line.ticks;
  };
  const auto on_it = static_cast<size_t>(std::ranges::count_if(points_, is_on_it));
  return on_it * 4 >= points_.size() * 3 && is_on_it(points_.back());
}

void NicClock::publish() {
  cell_.store(state_ == State::good ? line_ : NicLine{});
}

} // namespace anytick::io
