#include "bench/load/port.h"

#include <fmt/format.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <regex>
#include <stdexcept>
#include <vector>

#include "tests/packets/wire.h"

namespace anytick::bench {
namespace {

constexpr int link_seconds = 10; // what auto-negotiation may take, and net_memif to find its peer

std::string hex_of(const rte_ether_addr& mac) {
  return test::to_hex({std::begin(mac.addr_bytes), std::end(mac.addr_bytes)});
}

bool is_pci(const std::string& device) {
  return std::regex_search(device, std::regex("^([[:xdigit:]]{4,8}:)?[[:xdigit:]]{2}:[[:xdigit:]]{2}\\.[0-7](,|$)"));
}

void start_eal(const PortOptions& options) {
  std::vector<std::string> arguments{"anytick_load", "--no-telemetry", "--log-level=*:warning", "-m128"};
  const auto add = [&](std::initializer_list<std::string> more) { arguments.insert(arguments.end(), more); };
  if (options.huge_pages) {
    add({"--in-memory", "--single-file-segments"});
  } else {
    add({"--no-huge", "--no-shconf", "--iova-mode=va"});
  }
  add({"--lcores", "0@" + std::to_string(options.core)});
  if (is_pci(options.device)) {
    add({"-a", options.device});
  } else {
    add({"--no-pci", "--vdev", options.device});
  }
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  if (rte_eal_init(static_cast<int>(argv.size()), argv.data()) < 0)
    throw std::runtime_error(fmt::format("EAL: {}", rte_strerror(rte_errno)));
  if (rte_eth_dev_count_avail() != 1)
    throw std::runtime_error(options.device +
                             (is_pci(options.device) ? ": no device that a driver of DPDK has" : ": no such device"));
}

} // namespace

Port::Port(const PortOptions& options) {
  start_eal(options);
  id_ = static_cast<uint16_t>(rte_eth_find_next(0));
  start(options);
}

void Port::start(const PortOptions& options) {
  uint16_t rx = options.rx_descriptors, tx = options.tx_descriptors;
  const rte_eth_conf configuration{};
  int result = rte_eth_dev_configure(id_, 1, 1, &configuration);
  if (result == 0) result = rte_eth_dev_adjust_nb_rx_tx_desc(id_, &rx, &tx);
  // Both rings full, with as much again in net_af_xdp's fill and completion rings, and some on their way.
  const unsigned mbufs = std::max(16383u, 3u * (rx + tx));
  pool_ = rte_pktmbuf_pool_create("load", mbufs, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
  if (pool_ == nullptr) throw std::runtime_error("no memory for mbufs");
  if (result == 0) result = rte_eth_rx_queue_setup(id_, 0, rx, SOCKET_ID_ANY, nullptr, pool_);
  if (result == 0) result = rte_eth_tx_queue_setup(id_, 0, tx, SOCKET_ID_ANY, nullptr);
  if (result == 0) result = rte_eth_dev_start(id_);
  if (result != 0) throw std::runtime_error(fmt::format("port: {}", rte_strerror(-result)));
}

Port::~Port() {
  rte_eth_dev_stop(id_);
  rte_eth_dev_close(id_);
  rte_eal_cleanup();
}

void Port::wait_for_link() const {
  rte_eth_link link{};
  for (int left = link_seconds * 100; left > 0; --left) {
    if (rte_eth_link_get_nowait(id_, &link) != 0 || link.link_status == RTE_ETH_LINK_UP) return;
    rte_delay_us_sleep(10'000);
  }
  throw std::runtime_error(fmt::format("port: no link within {} s", link_seconds));
}

std::string Port::mac() const {
  rte_ether_addr mac{};
  rte_eth_macaddr_get(id_, &mac);
  return hex_of(mac);
}

std::string parse_mac(const std::string& text) {
  rte_ether_addr mac{};
  if (rte_ether_unformat_addr(text.c_str(), &mac) != 0) throw std::runtime_error("'" + text + "' is no MAC address");
  return hex_of(mac);
}

} // namespace anytick::bench
