// rte_eth_read_clock() is experimental in DPDK 22.11, and there is no other way to learn what stamps mean.
#define ALLOW_EXPERIMENTAL_API

#include "dataplane/io/port_clock.h"

#include <array>
#include <utility>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <spdlog/spdlog.h>

#include "dataplane/io/tsc.h"

namespace anytick::io {
namespace {

/// One of them is quick, without an interrupt or another's turn at the bus.
constexpr size_t looks = 8;

} // namespace

PortClock::PortClock(uint16_t port, std::string name, int field_offset, uint64_t flag)
    : port_(port), name_(std::move(name)), field_offset_(field_offset), flag_(flag), clock_(TscScale::measured().hz()) {
}

std::unique_ptr<PortClock> PortClock::open(uint16_t port, const rte_eth_dev_info& info, std::string name) {
  if ((info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_TIMESTAMP) == 0) return nullptr;
  const auto without = [&](const char* reason) {
    spdlog::info("{}: stamps of received frames are not used: {}", name, reason);
    return nullptr;
  };
  // What stamps mean is only found by reading the clock that makes them.
  uint64_t now = 0;
  if (rte_eth_read_clock(port, &now) == -ENOTSUP) return without("its clock cannot be read");
  if (!has_invariant_tsc()) return without("the TSC does not run at one rate");
  int field_offset = -1;
  uint64_t flag = 0;
  if (rte_mbuf_dyn_rx_timestamp_register(&field_offset, &flag) != 0) return without(rte_strerror(rte_errno));
  return std::unique_ptr<PortClock>(new PortClock(port, std::move(name), field_offset, flag));
}

void PortClock::watch() {
  if (!clock_.is_due(rte_rdtsc())) return;
  std::array<NicReading, looks> readings;
  size_t count = 0;
  for (NicReading& reading : readings) {
    reading.before = rte_rdtsc_precise();
    if (rte_eth_read_clock(port_, &reading.device) != 0) break;
    reading.after = rte_rdtsc_precise();
    ++count;
  }
  clock_.feed({readings.data(), count});
  log_state();
}

void PortClock::log_state() {
  if (clock_.state() == logged_) return;
  logged_ = clock_.state();
  switch (logged_) {
  case NicClock::State::good:
    spdlog::info("{}: stamps received frames by a clock of {:.0f} Hz", name_, clock_.hz());
    break;
  case NicClock::State::coarse:
    spdlog::info("{}: stamps of received frames are not used: {:.0f} Hz are too few", name_, clock_.hz());
    break;
  case NicClock::State::learning:
    spdlog::warn("{}: the clock of its stamps was set or reads badly; they are not used until it is understood again",
                 name_);
    break;
  }
}

} // namespace anytick::io
