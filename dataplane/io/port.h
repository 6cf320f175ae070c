#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <rte_ethdev.h>
#include <rte_mempool.h>

#include "dataplane/config.h"
#include "dataplane/core/path.h"
#include "dataplane/io/port_clock.h"

namespace anytick::io {

/// "02:00:00:5E:10:FE"
std::string mac_text(const core::Mac& mac);

/// What the device shall verify. virtio takes it for leave to hand over frames whose checksums their sender, a machine
/// on the same host, has left unfinished: right for the fast path, but the kernel's twin would refuse them.
uint64_t rx_checksum_offloads(const rte_eth_dev_info& info);

/// How a device shall spread datagrams over queues.
struct Spread {
  uint64_t rss_types = 0;    ///< RTE_ETH_RSS_*; 0: it has no say in it
  bool keeps_sources = true; ///< all of one source come to one queue
};

/// By addresses alone where the device can. One that has no such hash for datagrams (i40e, ENA) would leave them all to
/// the first queue: there ports are hashed, too.
Spread spread_of(const rte_eth_dev_info& info, unsigned queues);

/// Mbufs for a queue pair of so many descriptors: with all of them full, as many as the driver and its worker hold.
uint32_t mbufs_for(const rte_eth_dev_info& info, uint16_t rx, uint16_t tx);

/// The arguments of a virtual device, completed where its driver's defaults do not suit `workers` queues and the MTU.
std::string device_arguments(const PortConfig& config, unsigned workers);

/// An Ethernet device with a receive and a transmit queue and a mempool of its own for each worker. Frames are sent
/// from the queue of the worker that received them, so no pool is shared between workers. Control thread only.
class Port {
 public:
  /// Attaches and configures the device. `ntp`: NTP is answered on it, too. Precondition: EAL is up.
  static Result<std::unique_ptr<Port>> open(const PortConfig& config, const WorkersConfig& workers, bool ntp = true);
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;
  /// Stops and closes the device. Workers must be done with it.
  ~Port();

  std::optional<Refusal> start();
  /// Logs the link's state if it is new.
  void watch_link();
  /// Reads the clock that stamps what is received, if the device has one and it is time to. Several times a second.
  void watch_clock();

  uint16_t id() const { return id_; }
  /// TSC: it received nothing before.
  uint64_t opened() const { return opened_; }
  /// Whether all frames of a source come to one worker.
  bool keeps_sources() const { return keeps_sources_; }
  const PortConfig& config() const { return config_; }
  const core::Ingress& ingress() const { return ingress_; }
  /// By the device, of received frames; the flag is 0 where it does not.
  RxStamps rx_stamps() const { return clock_ ? clock_->stamps() : RxStamps{}; }
  /// Of the queue's mbufs, received and sent.
  rte_mempool* pool(uint16_t queue) const { return pools_[queue]; }

 private:
  Port(const PortConfig& config, uint16_t id, uint64_t opened) : config_(config), id_(id), opened_(opened) {}

  std::optional<Refusal> configure(const WorkersConfig& workers, bool ntp);
  std::optional<Refusal> set_up_queue(uint16_t queue, const rte_eth_dev_info& info, const rte_eth_conf& conf,
                                      unsigned core);
  std::optional<Refusal> set_mac();
  void accept_foreign_mac();
  void accept_groups();
  std::optional<Refusal> steer_to_us();
  Refusal refusal(const std::string& step, int error) const;

  PortConfig config_;
  uint16_t id_;
  uint64_t opened_;
  bool started_ = false;
  bool keeps_sources_ = true;
  std::string link_;
  std::unique_ptr<PortClock> clock_; ///< null: no stamps
  core::Ingress ingress_;
  std::vector<rte_mempool*> pools_;
};

} // namespace anytick::io
