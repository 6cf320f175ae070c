#include "dataplane/io/kernel_twin.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_lcore.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "dataplane/io/kernel_link.h"
#include "dataplane/io/port.h"

namespace anytick::io {
namespace {

constexpr uint32_t frame_overhead = RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN + RTE_ETHER_CRC_LEN;
constexpr const char* vhost_device = "/dev/vhost-net";

/// net_tap takes no jumbo frames. The kernel tells its TCP peers (MSS); other packets that are too long are lost.
uint16_t mtu_of(const PortConfig& config, const rte_eth_dev_info& info) {
  const uint32_t limit = std::min<uint32_t>(info.max_mtu, info.max_rx_pktlen - frame_overhead);
  return static_cast<uint16_t>(std::min<uint32_t>(config.mtu, limit));
}

} // namespace

TwinDevice twin_device(const PortConfig& config, const core::Mac& mac) {
  const std::string common = fmt::format("iface={},mac={}", config.kernel.interface, mac_text(mac));
  if (config.kernel.driver == TwinDriver::tap) return {"net_tap_" + config.kernel.interface, common};
  return {"net_virtio_user_" + config.kernel.interface,
          fmt::format("path={},queues=1,queue_size={},{}", vhost_device, twin_descriptors, common)};
}

Result<std::unique_ptr<KernelTwin>> KernelTwin::open(const PortConfig& config, const core::Mac& mac,
                                                     rte_mempool* pool) {
  const std::string& interface = config.kernel.interface;
  const auto [name, arguments] = twin_device(config, mac);
  if (config.kernel.driver == TwinDriver::virtio_user && ::access(vhost_device, R_OK | W_OK) != 0) {
    return Refusal{interface, "", fmt::format("virtio_user needs {}, which cannot be opened", vhost_device)};
  }
  if (rte_eal_hotplug_add("vdev", name.c_str(), arguments.c_str()) != 0) {
    return Refusal{interface, "", fmt::format("{},{} cannot be attached; DPDK's log says why", name, arguments)};
  }
  uint16_t id = 0;
  if (rte_eth_dev_get_port_by_name(name.c_str(), &id) != 0) return Refusal{interface, "", "is no Ethernet device"};
  std::unique_ptr<KernelTwin> twin(new KernelTwin(interface, name, id));
  if (auto refusal = twin->start(config, pool)) return std::move(*refusal);
  return twin;
}

KernelTwin::~KernelTwin() {
  rte_eth_dev_stop(id_);
  rte_eal_hotplug_remove("vdev", device_.c_str());
}

Refusal KernelTwin::refusal(const std::string& step, int error) const {
  return {interface_, "", fmt::format("{}: {}", step, rte_strerror(error < 0 ? -error : error))};
}

std::optional<Refusal> KernelTwin::start(const PortConfig& config, rte_mempool* pool) {
  rte_eth_dev_info info{};
  if (const int error = rte_eth_dev_info_get(id_, &info); error != 0) return refusal("cannot be asked", error);
  const uint16_t mtu = mtu_of(config, info);
  rte_eth_conf conf{};
  conf.rxmode.mtu = mtu;
  conf.intr_conf.rxq = 1;
  if (const int error = rte_eth_dev_configure(id_, 1, 1, &conf); error != 0) return refusal("configure", error);
  uint16_t rx = twin_descriptors;
  uint16_t tx = twin_descriptors;
  if (const int error = rte_eth_dev_adjust_nb_rx_tx_desc(id_, &rx, &tx); error != 0)
    return refusal("descriptors", error);
  const unsigned node = rte_socket_id();
  if (const int error = rte_eth_rx_queue_setup(id_, 0, std::min(rx, twin_descriptors), node, nullptr, pool);
      error != 0) {
    return refusal("receive queue", error);
  }
  if (const int error = rte_eth_tx_queue_setup(id_, 0, tx, node, nullptr); error != 0) {
    return refusal("transmit queue", error);
  }
  if (const int error = rte_eth_dev_start(id_); error != 0) return refusal("start", error);
  // Where there is nothing to switch on, as with net_tap, there is a descriptor all the same.
  rte_eth_dev_rx_intr_enable(id_, 0);
  fd_ = rte_eth_dev_rx_intr_ctl_q_get_fd(id_, 0);
  if (auto fault = set_up_link(interface_, mtu, config.kernel.addresses)) return fault;
  spdlog::info("{}: kernel twin {}, mtu {}", config.device_name(), interface_, mtu);
  return std::nullopt;
}

uint16_t KernelTwin::receive(std::span<rte_mbuf*> frames) {
  return rte_eth_rx_burst(id_, 0, frames.data(), static_cast<uint16_t>(frames.size()));
}

uint16_t KernelTwin::send(std::span<rte_mbuf*> frames) {
  uint16_t taken = 0;
  while (!frames.empty()) {
    const uint16_t sent = rte_eth_tx_burst(id_, 0, frames.data(), static_cast<uint16_t>(frames.size()));
    taken = static_cast<uint16_t>(taken + sent);
    frames = frames.subspan(sent);
    if (frames.empty()) break;
    // A frame that the kernel refuses must not hold up the next one.
    rte_pktmbuf_free(frames.front());
    frames = frames.subspan(1);
  }
  return taken;
}

} // namespace anytick::io
