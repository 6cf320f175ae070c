#include "dataplane/io/port.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <rte_bus.h>
#include <rte_cycles.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ether.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <spdlog/spdlog.h>

#include "dataplane/core/frame.h"
#include "dataplane/io/eal.h"
#include "dataplane/io/flow_steering.h"
#include "dataplane/io/numa.h"

namespace anytick::io {
namespace {

constexpr uint16_t ethernet_overhead = RTE_ETHER_HDR_LEN + 2 * RTE_VLAN_HLEN;
constexpr unsigned pool_cache = 256;

bool has_argument(const std::string& device, std::string_view name) {
  return device.find(fmt::format(",{}=", name)) != std::string::npos;
}

/// Probes a virtual device that is not there yet. PCI devices were probed by EAL. Returns the port id.
Result<uint16_t> attach(const PortConfig& config, unsigned workers) {
  const std::string name(config.device_name());
  uint16_t id = 0;
  if (rte_eth_dev_get_port_by_name(name.c_str(), &id) == 0) return id;
  if (is_pci_address(name)) return Refusal{name, "", "no such device is bound to a DPDK driver"};
  // The error number is of no use: EPERM stands for an interface that is not there.
  if (rte_eal_hotplug_add("vdev", name.c_str(), device_arguments(config, workers).c_str()) != 0) {
    return Refusal{name, "", "cannot be attached; DPDK's log says why"};
  }
  if (rte_eth_dev_get_port_by_name(name.c_str(), &id) != 0) return Refusal{name, "", "is no Ethernet device"};
  return id;
}

core::Ingress ingress_of(const PortConfig& config) {
  core::Ingress ingress;
  for (const geo::Address& address : config.addresses) {
    if (address.family == geo::Family::ipv6) {
      ingress.ipv6.push_back(address.bytes);
    } else {
      uint32_t network_order = 0;
      std::memcpy(&network_order, address.bytes.data(), sizeof(network_order));
      ingress.ipv4.push_back(network_order);
    }
  }
  return ingress;
}

rte_eth_conf device_configuration(const PortConfig& config, const rte_eth_dev_info& info, const Spread& spread) {
  rte_eth_conf conf{};
  conf.rxmode.mtu = config.mtu;
  if (config.checksum == Checksums::by_device) {
    conf.rxmode.offloads = rx_checksum_offloads(info);
    conf.txmode.offloads = info.tx_offload_capa & (RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM);
  }
  // Allowed, as all mbufs of a queue come from its own pool and nobody holds a second reference.
  conf.txmode.offloads |= info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
  if (spread.rss_types != 0) {
    conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    conf.rx_adv_conf.rss_conf.rss_hf = spread.rss_types;
  }
  return conf;
}

std::optional<std::string> misfit(const PortConfig& config, const rte_eth_dev_info& info, size_t workers) {
  const unsigned queues = std::min(info.max_rx_queues, info.max_tx_queues);
  if (workers > queues) return fmt::format("has {} queue pairs, which is too few for {} workers", queues, workers);
  if (config.mtu > info.max_mtu)
    return fmt::format("mtu {} is above the device's maximum of {}", config.mtu, info.max_mtu);
  return std::nullopt;
}

/// A whole frame fits into one segment; device registers count in KiB.
uint16_t mbuf_bytes_for(const PortConfig& config, const rte_eth_dev_info& info) {
  const uint32_t frame = std::max({uint32_t{config.mtu} + ethernet_overhead, 2048u, info.min_rx_bufsize});
  return static_cast<uint16_t>(RTE_PKTMBUF_HEADROOM + RTE_ALIGN_CEIL(frame, 1024u));
}

} // namespace

std::string mac_text(const core::Mac& mac) {
  rte_ether_addr address{};
  std::memcpy(address.addr_bytes, mac.data(), mac.size());
  char text[RTE_ETHER_ADDR_FMT_SIZE] = "";
  rte_ether_format_addr(text, sizeof(text), &address);
  return text;
}

uint64_t rx_checksum_offloads(const rte_eth_dev_info& info) {
  if (std::string_view(info.driver_name).starts_with("net_virtio")) return 0;
  return info.rx_offload_capa & (RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM);
}

Spread spread_of(const rte_eth_dev_info& info, unsigned queues) {
  if (queues == 1) return {};
  const uint64_t known = info.flow_type_rss_offloads;
  Spread spread{known & RTE_ETH_RSS_IP, true};
  for (const auto& [any_of_family, datagrams] : {std::pair(RTE_ETH_RSS_IPV4, RTE_ETH_RSS_NONFRAG_IPV4_UDP),
                                                 std::pair(RTE_ETH_RSS_IPV6, RTE_ETH_RSS_NONFRAG_IPV6_UDP)}) {
    if ((known & any_of_family) != 0) continue;
    spread.rss_types |= known & datagrams;
    spread.keeps_sources = false;
  }
  return spread;
}

uint32_t mbufs_for(const rte_eth_dev_info& info, uint16_t rx, uint16_t tx) {
  // Some drivers hold rings beside ours: net_af_xdp those of its default size, for what was received and what was sent,
  // net_vmxnet3 one for the rest of large frames, as large as ours and full from the start.
  const unsigned rx_rings = std::string_view(info.driver_name) == "net_vmxnet3" ? 2 : 1;
  const uint32_t rings = std::max<uint32_t>(rx * rx_rings, info.default_rxportconf.ring_size * 2u) +
                         std::max<uint32_t>(tx, info.default_txportconf.ring_size);
  // The caches of worker and main lcore full, and a burst in hand.
  return rings + 2 * pool_cache * 3 / 2 + static_cast<uint32_t>(core::burst_max);
}

std::string device_arguments(const PortConfig& config, unsigned workers) {
  const std::string& device = config.device;
  const size_t comma = device.find(',');
  std::string arguments = comma == std::string::npos ? "" : device.substr(comma + 1);
  const auto complete = [&](std::string_view name, uint64_t value) {
    if (!has_argument(device, name)) arguments += fmt::format("{}{}={}", arguments.empty() ? "" : ",", name, value);
  };
  if (device.starts_with("net_af_xdp") && workers > 1) complete("queue_count", workers);
  if (device.starts_with("net_af_packet")) {
    // A ring slot holds the kernel's header (at most 128 bytes with padding) and the frame; two slots to a block.
    const uint64_t slot = std::bit_ceil(config.mtu + ethernet_overhead + 128u);
    complete("qpairs", workers);
    complete("blocksz", std::max<uint64_t>(slot * 2, 4096));
    complete("framesz", slot);
    complete("framecnt", std::bit_ceil(config.rx_descriptors));
  }
  return arguments;
}

Result<std::unique_ptr<Port>> Port::open(const PortConfig& config, const WorkersConfig& workers, bool ntp) {
  const uint64_t now = rte_rdtsc(); // some devices receive from when they are attached
  const Result<uint16_t> id = attach(config, static_cast<unsigned>(workers.cores.size()));
  if (!id) return id.refusal();
  std::unique_ptr<Port> port(new Port(config, *id, now));
  if (config.steering == Steering::isolate) {
    if (auto refusal = isolate(*id, std::string(config.device_name()))) return std::move(*refusal);
  }
  if (auto refusal = port->configure(workers, ntp)) return std::move(*refusal);
  return port;
}

Port::~Port() {
  if (started_) rte_eth_dev_stop(id_);
  rte_eth_dev_close(id_);
  for (rte_mempool* pool : pools_) rte_mempool_free(pool);
}

Refusal Port::refusal(const std::string& step, int error) const {
  return {std::string(config_.device_name()), "",
          fmt::format("{}: {}", step, rte_strerror(error < 0 ? -error : error))};
}

std::optional<Refusal> Port::configure(const WorkersConfig& workers, bool ntp) {
  rte_eth_dev_info info{};
  if (const int error = rte_eth_dev_info_get(id_, &info); error != 0) return refusal("cannot be asked", error);
  const auto count = static_cast<uint16_t>(workers.cores.size());
  if (const auto reason = misfit(config_, info, count)) return Refusal{std::string(config_.device_name()), "", *reason};
  const Spread spread = spread_of(info, count);
  keeps_sources_ = spread.keeps_sources;
  if (!keeps_sources_) {
    spdlog::warn("{} cannot hash addresses alone: the frames of a source come to several workers",
                 config_.device_name());
  }
  rte_eth_conf conf = device_configuration(config_, info, spread);
  if (ntp) clock_ = PortClock::open(id_, info, std::string(config_.device_name()));
  if (clock_ != nullptr) conf.rxmode.offloads |= RTE_ETH_RX_OFFLOAD_TIMESTAMP;
  if (const int error = rte_eth_dev_configure(id_, count, count, &conf); error != 0) {
    return refusal("cannot be configured", error);
  }
  uint16_t rx = config_.rx_descriptors;
  uint16_t tx = config_.tx_descriptors;
  if (const int error = rte_eth_dev_adjust_nb_rx_tx_desc(id_, &rx, &tx); error != 0)
    return refusal("descriptors", error);
  config_.rx_descriptors = rx;
  config_.tx_descriptors = tx;
  for (uint16_t queue = 0; queue < count; ++queue) {
    if (auto fault = set_up_queue(queue, info, conf, workers.cores[queue])) return fault;
  }
  if (const int error = rte_eth_dev_set_mtu(id_, config_.mtu); error != 0 && error != -ENOTSUP) {
    return refusal(fmt::format("mtu {}", config_.mtu), error);
  }
  ingress_ = ingress_of(config_);
  ingress_.ntp = ntp;
  ingress_.tx_ip_checksum = (conf.txmode.offloads & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM) != 0;
  ingress_.tx_udp_checksum = (conf.txmode.offloads & RTE_ETH_TX_OFFLOAD_UDP_CKSUM) != 0;
  ingress_.next_hop = config_.next_hop;
  if (auto fault = set_mac()) return fault;
  if (!config_.kernel.interface.empty()) accept_groups();
  return std::nullopt;
}

std::optional<Refusal> Port::set_up_queue(uint16_t queue, const rte_eth_dev_info& info, const rte_eth_conf& conf,
                                          unsigned core) {
  const uint32_t mbufs = mbufs_for(info, config_.rx_descriptors, config_.tx_descriptors);
  const uint16_t mbuf_bytes = mbuf_bytes_for(config_, info);
  const int near_worker = node_of_core(core);
  int socket = node_of_queue(rte_eth_dev_socket_id(id_), near_worker);
  if (near_worker != any_node && socket != near_worker)
    spdlog::warn("{} is on NUMA node {}, but core {}, which polls it, on {}", config_.device_name(), socket, core,
                 near_worker);
  if (socket == SOCKET_ID_ANY) socket = static_cast<int>(rte_socket_id());
  const std::string name = fmt::format("port{}.{}", id_, queue);
  rte_mempool* pool = rte_pktmbuf_pool_create(name.c_str(), mbufs, pool_cache, 0, mbuf_bytes, socket);
  if (pool == nullptr) {
    return refusal(fmt::format("{} mbufs of {} bytes do not fit into eal.memory_mb", mbufs, mbuf_bytes), rte_errno);
  }
  pools_.push_back(pool);
  const auto node = static_cast<unsigned>(socket);
  rte_eth_rxconf rx = info.default_rxconf;
  rte_eth_txconf tx = info.default_txconf;
  rx.offloads = conf.rxmode.offloads;
  tx.offloads = conf.txmode.offloads;
  if (const int error = rte_eth_rx_queue_setup(id_, queue, config_.rx_descriptors, node, &rx, pool); error != 0) {
    return refusal(fmt::format("receive queue {}", queue), error);
  }
  if (const int error = rte_eth_tx_queue_setup(id_, queue, config_.tx_descriptors, node, &tx); error != 0) {
    return refusal(fmt::format("transmit queue {}", queue), error);
  }
  return std::nullopt;
}

std::optional<Refusal> Port::set_mac() {
  rte_ether_addr own{};
  if (const int error = rte_eth_macaddr_get(id_, &own); error != 0) return refusal("MAC address", error);
  std::memcpy(ingress_.mac.data(), own.addr_bytes, ingress_.mac.size());
  rte_eth_promiscuous_disable(id_);
  if (!config_.mac || *config_.mac == ingress_.mac) return std::nullopt;
  ingress_.mac = *config_.mac;
  rte_ether_addr wanted{};
  std::memcpy(wanted.addr_bytes, ingress_.mac.data(), ingress_.mac.size());
  if (rte_eth_dev_default_mac_addr_set(id_, &wanted) != 0) accept_foreign_mac();
  return std::nullopt;
}

/// For devices that keep their own address: all frames are taken, and core drops what is not for us.
void Port::accept_foreign_mac() {
  if (rte_eth_promiscuous_enable(id_) == 0) {
    spdlog::info("{} keeps its own MAC address: promiscuous, so that ours is received", config_.device_name());
  } else {
    spdlog::warn("{} neither takes the configured MAC address nor is promiscuous", config_.device_name());
  }
}

/// Neighbour discovery and routing protocols of the kernel are sent to groups. Its own filter decides about them.
void Port::accept_groups() {
  if (rte_eth_allmulticast_enable(id_) == 0 || rte_eth_promiscuous_enable(id_) == 0) return;
  spdlog::warn("{} takes only the multicast frames that it wants: the kernel twin may miss some",
               config_.device_name());
}

std::optional<Refusal> Port::start() {
  if (const int error = rte_eth_dev_start(id_); error != 0) return refusal("cannot be started", error);
  started_ = true;
  if (config_.steering == Steering::isolate) {
    if (auto fault = steer_to_us()) return fault;
  }
  spdlog::info("{}: port {}, MAC {}, {} + {} descriptors, checksums of replies by {}", config_.device_name(), id_,
               mac_text(ingress_.mac), config_.rx_descriptors, config_.tx_descriptors,
               ingress_.tx_udp_checksum ? "the device" : "software");
  watch_link();
  return std::nullopt;
}

std::optional<Refusal> Port::steer_to_us() {
  rte_eth_dev_info info{};
  if (const int error = rte_eth_dev_info_get(id_, &info); error != 0) return refusal("cannot be asked", error);
  std::vector<uint16_t> services{core::port_dns};
  if (ingress_.ntp) services.push_back(core::port_ntp);
  const auto queues = static_cast<uint16_t>(pools_.size());
  const auto rules = steering_rules(config_.addresses, services, queues, spread_of(info, queues).rss_types);
  return steer(id_, std::string(config_.device_name()), rules);
}

void Port::watch_link() {
  rte_eth_link link{};
  if (rte_eth_link_get_nowait(id_, &link) != 0) return;
  std::string text = link.link_status == RTE_ETH_LINK_UP ? "up" : "down";
  if (link.link_status == RTE_ETH_LINK_UP && link.link_speed != RTE_ETH_SPEED_NUM_UNKNOWN) {
    text += fmt::format(", {} Mb/s", link.link_speed);
  }
  if (link_ == text) return;
  link_ = text;
  spdlog::info("{}: link {}", config_.device_name(), link_);
}

void Port::watch_clock() {
  if (clock_ != nullptr) clock_->watch();
}

} // namespace anytick::io
