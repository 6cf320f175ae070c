#pragma once

#include <cstdint>
#include <optional>
#include <random>

#include "dataplane/core/clock.h"
#include "dataplane/io/clock_report.h"

/// A machine with a clock, the true time, and a chronyd that is honest: when it reports, NTP time is wrong by no more
/// than the root dispersion that it tells, and by hardly less. Seconds are true ones.
namespace anytick::io::test {

enum class Lie : uint8_t { none, stratum, reference_time, correction, dispersion, leap };

class ClockWorld {
 public:
  static constexpr int64_t second = 1'000'000'000;
  static constexpr double fastest_slew = 0.083333; ///< chronyd's default maxslewrate
  static constexpr double slowest_slew = 0.0005;   ///< adjtime()'s

  /// It is `truth`, nanoseconds since 1970; the clock is `ahead` seconds ahead of it; chronyd knows nothing yet.
  ClockWorld(uint64_t seed, int64_t truth, double ahead);

  void pass(int64_t nanoseconds);

  int64_t truth() const { return truth_; } ///< UTC, nanoseconds since 1970
  int64_t passed() const { return passed_; }
  core::WallTime wall() const;

  // The machine
  void step(int64_t nanoseconds); ///< as by date(1): chronyd does not notice
  void suspend(int64_t nanoseconds);
  /// At the next midnight UTC a second is had twice (1) or left out (2), and chronyd knows it before.
  void announce_leap(uint8_t leap);

  // chronyd
  void measure();
  void start_slew(double rate);
  void make_step(); ///< of what it would correct
  void die(bool cleanly);
  void start();
  void freeze(bool frozen); ///< does nothing but to say the same again and again
  void lie(Lie lie) { lie_ = lie; }
  bool is_alive() const { return alive_; }
  bool has_measured() const { return measured_; }
  bool is_lying() const { return lie_ != Lie::none; }
  bool is_frozen() const { return frozen_.has_value(); }
  double correction() const { return correction_; }

  /// Nothing where it does not answer.
  std::optional<ClockReport> report() const;

  /// Nobody can know the time: the clock was stepped by others and not measured since.
  bool is_lost() const { return stepped_; }
  bool is_in_leap_second() const { return passed_ < leap_ends_; }
  /// A slew that nobody will end.
  bool runs_away() const { return !alive_ && slew_ != 0; }

 private:
  ClockReport honest_report() const;
  void advance(int64_t nanoseconds);
  void take_leap();

  std::mt19937_64 random_;
  int64_t truth_;
  int64_t passed_ = 0; ///< since the start
  int64_t epoch_;      ///< CLOCK_REALTIME - CLOCK_MONOTONIC
  double error_;       ///< of CLOCK_REALTIME and the correction, what chronyd takes for NTP time: seconds
  double drift_;       ///< of the clock as chronyd has set it, seconds per second
  double bound_;       ///< of the error of a measurement, seconds
  double correction_ = 0;
  double slew_ = 0; ///< what the correction shrinks by, seconds per second
  int64_t reference_time_ = 0;
  int64_t measured_at_ = 0; ///< passed then
  std::optional<ClockReport> frozen_;
  Lie lie_ = Lie::none;
  uint8_t leap_ = 0;
  int64_t leap_ends_ = 0; ///< passed then
  bool alive_ = true;
  bool measured_ = false;
  bool stepped_ = false;
};

} // namespace anytick::io::test
