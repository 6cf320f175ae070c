#include "dataplane/core/clock.h"

#include <cmath>

namespace anytick::core {
namespace {

constexpr int64_t nanoseconds = 1'000'000'000;
constexpr uint64_t seconds_1900_to_1970 = 2'208'988'800;
constexpr uint32_t refid_init = 0x54494e49; // "INIT", RFC 5905 7.4: nothing to tell the time by

double seconds(int64_t duration) {
  return static_cast<double>(duration) / static_cast<double>(nanoseconds);
}

} // namespace

NtpTime ntp_time(int64_t since_1970) {
  int64_t whole = since_1970 / nanoseconds, rest = since_1970 % nanoseconds;
  if (rest < 0) {
    --whole;
    rest += nanoseconds;
  }
  const auto fraction = static_cast<uint64_t>(rest);
  return (static_cast<uint64_t>(whole) + seconds_1900_to_1970) << 32 | (fraction << 32) / nanoseconds;
}

NtpTime ntp_duration(uint64_t duration) {
  return duration / nanoseconds << 32 | (duration % nanoseconds << 32) / nanoseconds;
}

NtpShort ntp_short(double value) {
  const double units = std::ceil(value * 65536);
  return units >= 0 && units < UINT32_MAX ? static_cast<NtpShort>(units) : UINT32_MAX;
}

NtpClock clock_at(const ClockState& state, const WallTime& at, double unsure) {
  NtpClock clock;
  clock.now = ntp_time(at.realtime);
  clock.precision = static_cast<int8_t>(state.precision);
  clock.refid = refid_init;
  if (state.synchronised == 0 || at.monotonic >= state.expires || is_step(state.epoch, at.epoch()) ||
      at.realtime < state.not_before)
    return clock;
  const int64_t since = at.monotonic - state.measured;
  const double age = since > 0 ? seconds(since) : 0;
  const double dispersion = state.root_dispersion + state.wander * age + unsure;
  if (!(dispersion + state.root_delay / 2 <= root_distance_max)) return clock;
  const auto drift = static_cast<int64_t>(state.slope * static_cast<double>(since));
  clock.now = ntp_time(at.realtime + state.correction + drift);
  clock.leap = static_cast<uint8_t>(state.leap);
  clock.stratum = static_cast<uint8_t>(state.stratum);
  clock.refid = state.refid;
  // A reference time after the clock's own would have been read before a correction backwards.
  clock.reference_time = static_cast<int64_t>(clock.now - state.reference_time) >= 0 ? state.reference_time : clock.now;
  clock.root_delay = ntp_short(state.root_delay);
  clock.root_dispersion = ntp_short(dispersion);
  return clock;
}

} // namespace anytick::core
