#include "dataplane/io/kernel_clock.h"

#include "dataplane/io/wall_clock.h"

namespace anytick::io {

ClockReport KernelClock::ask() const {
  timex time{};
  const int state = ::ntp_adjtime(&time); // modes 0: nothing is set
  return report(time, state, read_wall_clock().wall.realtime);
}

ClockReport KernelClock::report(const timex& time, int state, int64_t now) const {
  ClockReport report;
  // TIME_OOP: a leap second is in progress; TIME_WAIT: it is over, and the daemon has not said so yet.
  const bool whole = state == TIME_OK || state == TIME_INS || state == TIME_DEL || state == TIME_WAIT;
  report.synchronised = whole && (time.status & STA_UNSYNC) == 0 && time.maxerror >= 0;
  report.leap = state == TIME_INS ? 1 : state == TIME_DEL ? 2 : 0;
  report.stratum = stratum;
  report.refid = refid;
  report.root_dispersion = static_cast<double>(time.maxerror) * 1e-6; // grows by 500 ppm between updates
  report.reference_time = now;
  report.knows_steps = true; // settimeofday() and its like set STA_UNSYNC
  return report;
}

} // namespace anytick::io
