#include "dataplane/io/kernel_clock.h"

#include <algorithm>
#include <cmath>

#include <sys/time.h>

#include "dataplane/io/wall_clock.h"

namespace anytick::io {

namespace {

/// systemd-timesyncd says that both errors are zero whenever it has measured the clock, and leaves an offset of up to
/// 0.4 s for the kernel to slew.
double seconds_off(const timex& time) {
  const double offset_unit = (time.status & STA_NANO) != 0 ? 1e-9 : 1e-6;
  const double errors = static_cast<double>(time.maxerror) + static_cast<double>(std::max(time.esterror, 0L));
  return std::abs(static_cast<double>(time.offset)) * offset_unit + errors * 1e-6; // maxerror grows by 500 ppm
}

} // namespace

ClockReport KernelClock::ask() const {
  timex time{};
  const int state = ::ntp_adjtime(&time); // modes 0: nothing is set
  timeval left{};                         // of what OpenNTPD, for one, slews by; it is not in `time`
  const bool known = ::adjtime(nullptr, &left) == 0;
  const double adjusting = known ? static_cast<double>(left.tv_sec) + static_cast<double>(left.tv_usec) * 1e-6 : 0;
  return report(time, state, adjusting, read_wall_clock().wall.realtime);
}

ClockReport KernelClock::report(const timex& time, int state, double adjusting, int64_t now) const {
  ClockReport report;
  // TIME_OOP: a leap second is in progress; TIME_WAIT: it is over, and the daemon has not said so yet.
  const bool whole = state == TIME_OK || state == TIME_INS || state == TIME_DEL || state == TIME_WAIT;
  report.synchronised = whole && (time.status & STA_UNSYNC) == 0 && time.maxerror >= 0;
  report.leap = state == TIME_INS ? 1 : state == TIME_DEL ? 2 : 0;
  report.stratum = stratum;
  report.refid = refid;
  report.root_delay = root_delay;
  report.root_dispersion = root_dispersion + seconds_off(time) + std::abs(adjusting);
  report.reference_time = now;
  report.knows_steps = true; // settimeofday() and its like set STA_UNSYNC
  return report;
}

} // namespace anytick::io
