#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>

#include "dataplane/io/nic_clock.h"

namespace anytick::io {

/// Where the stamps of received frames are, and by which clock. It outlives who reads them.
struct RxStamps {
  int field_offset = -1;             ///< in the mbuf: 8 bytes, if its ol_flags have `flag`
  uint64_t flag = 0;                 ///< 0: there are none
  const NicLineCell* line = nullptr; ///< null: there are none
};

/// One worker's look at them.
class RxStampReader {
 public:
  explicit RxStampReader(const RxStamps& stamps) : stamps_(stamps) {}

  /// Once per burst: what is known of the NIC's clock by now.
  void refresh() {
    if (stamps_.line == nullptr) return;
    if (const uint64_t version = stamps_.line->version(); version != version_ && stamps_.line->load(line_))
      version_ = version;
  }

  /// The TSC when the NIC received the frame, not after `now`, which is TSC after it was polled. Nothing where it has
  /// no stamp, or none to be believed: it is best taken for received when it was polled.
  std::optional<uint64_t> received(const rte_mbuf& mbuf, uint64_t now) const {
    if ((mbuf.ol_flags & stamps_.flag) == 0) return std::nullopt;
    return line_.tsc_of(*RTE_MBUF_DYNFIELD(&mbuf, stamps_.field_offset, const rte_mbuf_timestamp_t*), now);
  }

 private:
  RxStamps stamps_;
  NicLine line_;
  uint64_t version_ = UINT64_MAX; ///< of the line that it has; none has this one
};

/// The clock by which a port stamps what it receives. Control thread only.
class PortClock {
 public:
  /// Before the port is configured, then with RTE_ETH_RX_OFFLOAD_TIMESTAMP. Null where it does not stamp frames, or its
  /// stamps cannot be understood; the log says which.
  static std::unique_ptr<PortClock> open(uint16_t port, const rte_eth_dev_info& info, std::string name);

  RxStamps stamps() const { return {field_offset_, flag_, &clock_.line()}; }
  /// Reads the clock if it is time to, and logs when its state is another. Several times a second; the port is started.
  void watch();

 private:
  PortClock(uint16_t port, std::string name, int field_offset, uint64_t flag);
  void log_state();

  const uint16_t port_;
  const std::string name_;
  const int field_offset_;
  const uint64_t flag_;
  NicClock clock_;
  NicClock::State logged_ = NicClock::State::learning;
};

} // namespace anytick::io
