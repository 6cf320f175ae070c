// NTP requests from many sources at a given rate, through DPDK, and a look at each reply. Made for bench/peers/ntp: one
// thread, one port, one server over IPv4; what came of it goes to stdout as JSON. SIGINT ends it before its time.

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cinttypes>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <arpa/inet.h>
#include <rte_byteorder.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_udp.h>

namespace {

constexpr uint16_t burst = 32;
constexpr uint16_t descriptors = 2048;
// More than are in rings and buffers between us and any server that still answers.
constexpr uint32_t window = 1 << 17;
constexpr double drain_seconds = 0.3;
constexpr uint16_t ntp_port = 123;
constexpr uint8_t client_request = 4 << 3 | 3; // version 4, mode 3
constexpr uint8_t server_mode = 4;

struct Options {
  std::string device;
  std::string server_mac;
  std::string server;
  std::string first_source;
  uint32_t sources = 1024; // a power of two
  double rate = 1000;      // requests a second
  double seconds = 1;
  unsigned core = 0;
};

struct Report {
  uint64_t sent = 0;
  uint64_t answered = 0; // once each, within the window
  uint64_t wrong = 0;    // replies that are none of ours, or say what no server may
  double seconds = 0;
};

struct NtpHeader {
  uint8_t first;
  uint8_t stratum;
  int8_t poll;
  int8_t precision;
  uint32_t root_delay;
  uint32_t root_dispersion;
  uint32_t refid;
  uint64_t reference;
  uint64_t origin;
  uint64_t receive;
  uint64_t transmit;
} __attribute__((packed));

struct Request {
  rte_ether_hdr ethernet;
  rte_ipv4_hdr ip;
  rte_udp_hdr udp;
  NtpHeader ntp;
} __attribute__((packed, aligned(2)));
static_assert(sizeof(Request) == 14 + 20 + 8 + 48);

std::atomic<bool> stopped = false;

[[noreturn]] void fail(const char* what, int error) {
  std::fprintf(stderr, "ntp_load: %s: %s\n", what, rte_strerror(error < 0 ? -error : error));
  std::exit(1);
}

uint32_t address_of(const std::string& text) {
  in_addr address{};
  if (inet_pton(AF_INET, text.c_str(), &address) != 1) fail(text.c_str(), EINVAL);
  return address.s_addr;
}

class Load {
 public:
  Load(const Options& options, uint16_t port, rte_mempool* pool);
  Report run();

 private:
  void send(uint16_t count);
  void receive();
  bool is_right(const rte_mbuf& mbuf, uint32_t& number) const;
  void fill(Request& request, uint32_t number) const;

  const Options& options_;
  uint16_t port_;
  rte_mempool* pool_;
  uint32_t first_source_;
  uint32_t magic_ = static_cast<uint32_t>(rte_rdtsc()); // replies to an earlier run are none of ours
  Request template_{};
  std::vector<bool> waiting_ = std::vector<bool>(window);
  Report report_;
};

Load::Load(const Options& options, uint16_t port, rte_mempool* pool)
    : options_(options), port_(port), pool_(pool), first_source_(ntohl(address_of(options.first_source))) {
  Request& request = template_;
  rte_ether_addr mac{};
  rte_eth_macaddr_get(port, &mac);
  request.ethernet.src_addr = mac;
  if (rte_ether_unformat_addr(options.server_mac.c_str(), &mac) != 0) fail("server MAC", EINVAL);
  request.ethernet.dst_addr = mac;
  request.ethernet.ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
  request.ip.version_ihl = RTE_IPV4_VHL_DEF;
  request.ip.total_length = rte_cpu_to_be_16(sizeof(Request) - sizeof(rte_ether_hdr));
  request.ip.fragment_offset = rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG);
  request.ip.time_to_live = 64;
  request.ip.next_proto_id = IPPROTO_UDP;
  request.ip.dst_addr = address_of(options.server);
  request.udp.dst_port = rte_cpu_to_be_16(ntp_port);
  request.udp.dgram_len = rte_cpu_to_be_16(sizeof(rte_udp_hdr) + sizeof(NtpHeader));
  request.ntp.first = client_request;
}

void Load::fill(Request& request, uint32_t number) const {
  request = template_;
  const uint32_t spread = number * 0x9E3779B1u; // no source asks twice in a row
  request.ip.src_addr = rte_cpu_to_be_32(first_source_ + (spread & (options_.sources - 1)));
  request.udp.src_port = rte_cpu_to_be_16(static_cast<uint16_t>(1024 + (spread >> 17)));
  request.ntp.transmit = rte_cpu_to_be_64(uint64_t{magic_} << 32 | number);
  request.ip.hdr_checksum = rte_ipv4_cksum(&request.ip);
  request.udp.dgram_cksum = rte_ipv4_udptcp_cksum(&request.ip, &request.udp);
}

void Load::send(uint16_t count) {
  std::array<rte_mbuf*, burst> mbufs;
  // Without a free one, all are on their way: replies first.
  if (rte_pktmbuf_alloc_bulk(pool_, mbufs.data(), count) != 0) return;
  const auto first = static_cast<uint32_t>(report_.sent);
  for (uint16_t i = 0; i < count; ++i)
    fill(*reinterpret_cast<Request*>(rte_pktmbuf_append(mbufs[i], sizeof(Request))), first + i);
  const uint16_t sent = rte_eth_tx_burst(port_, 0, mbufs.data(), count);
  if (sent < count) rte_pktmbuf_free_bulk(mbufs.data() + sent, count - sent);
  for (uint16_t i = 0; i < sent; ++i) waiting_[(first + i) % window] = true;
  report_.sent += sent;
}

bool Load::is_right(const rte_mbuf& mbuf, uint32_t& number) const {
  if (rte_pktmbuf_data_len(&mbuf) < sizeof(Request)) return false;
  const Request& reply = *rte_pktmbuf_mtod(&mbuf, const Request*);
  if (reply.udp.src_port != rte_cpu_to_be_16(ntp_port) || reply.ip.src_addr != template_.ip.dst_addr) return false;
  const uint64_t origin = rte_be_to_cpu_64(reply.ntp.origin);
  number = static_cast<uint32_t>(origin);
  const bool ours = origin >> 32 == magic_ && waiting_[number % window];
  const bool ordered = rte_be_to_cpu_64(reply.ntp.receive) <= rte_be_to_cpu_64(reply.ntp.transmit);
  return ours && (reply.ntp.first & 7) == server_mode && reply.ntp.stratum != 0 && reply.ntp.transmit != 0 && ordered;
}

void Load::receive() {
  std::array<rte_mbuf*, burst> mbufs;
  const uint16_t received = rte_eth_rx_burst(port_, 0, mbufs.data(), burst);
  for (uint16_t i = 0; i < received; ++i) {
    uint32_t number = 0;
    // Neighbour discovery and the like come from kernels.
    const auto& ethernet = *rte_pktmbuf_mtod(mbufs[i], const rte_ether_hdr*);
    if (ethernet.ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4)) {
      const bool right = is_right(*mbufs[i], number);
      if (right) waiting_[number % window] = false;
      ++(right ? report_.answered : report_.wrong);
    }
    rte_pktmbuf_free(mbufs[i]);
  }
}

Report Load::run() {
  const auto hz = static_cast<double>(rte_get_tsc_hz());
  const uint64_t begin = rte_rdtsc();
  const auto elapsed = [&] { return static_cast<double>(rte_rdtsc() - begin) / hz; };
  // Every millisecond at low rates, and in bursts that are no larger than ours at high ones.
  const auto count = static_cast<uint16_t>(std::clamp(options_.rate / 1000, 1.0, double{burst}));
  const double share = count / options_.rate;
  double next = 0;
  for (double now = 0; now < options_.seconds && !stopped; now = elapsed()) {
    if (now >= next) {
      send(count);
      // What a pause kept from being sent is made up for in small part: all of it would be a burst.
      next = std::max(next + share, now - 4 * share);
    }
    receive();
  }
  report_.seconds = elapsed();
  while (elapsed() < report_.seconds + drain_seconds) receive();
  return report_;
}

rte_mempool* start_port(uint16_t port) {
  // By what net_af_xdp asks for: its fill and completion rings beside ours.
  rte_mempool* pool = rte_pktmbuf_pool_create("load", 16383, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
  if (pool == nullptr) fail("mempool", rte_errno);
  const rte_eth_conf configuration{};
  int result = rte_eth_dev_configure(port, 1, 1, &configuration);
  if (result == 0) result = rte_eth_rx_queue_setup(port, 0, descriptors, SOCKET_ID_ANY, nullptr, pool);
  if (result == 0) result = rte_eth_tx_queue_setup(port, 0, descriptors, SOCKET_ID_ANY, nullptr);
  if (result == 0) result = rte_eth_dev_start(port);
  if (result != 0) fail("port", result);
  return pool;
}

void start_eal(const Options& options) {
  std::vector<std::string> arguments{
      "ntp_load",  "--no-telemetry",
      "--no-huge", "--no-shconf",
      "--no-pci",  "--iova-mode=va",
      "-m128",     "--log-level=*:warning",
      "--lcores",  "0@" + std::to_string(options.core),
      "--vdev",    options.device,
  };
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  if (rte_eal_init(static_cast<int>(argv.size()), argv.data()) < 0) fail("EAL", rte_errno);
  if (rte_eth_dev_count_avail() != 1) fail(options.device.c_str(), ENODEV);
}

} // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Sends NTP requests at a rate and looks at each reply.");
  app.add_option("--device", options.device, "DPDK's name and arguments of a virtual device")->required();
  app.add_option("--server-mac", options.server_mac)->required();
  app.add_option("--server", options.server, "IPv4 address")->required();
  app.add_option("--first-source", options.first_source, "IPv4 address")->required();
  app.add_option("--sources", options.sources, "addresses from there on, a power of two");
  app.add_option("--rate", options.rate, "requests a second");
  app.add_option("--seconds", options.seconds);
  app.add_option("--core", options.core);
  CLI11_PARSE(app, argc, argv);
  if (!std::has_single_bit(options.sources)) fail("--sources", EINVAL);
  if (!(options.rate > 0)) fail("--rate", EINVAL);
  start_eal(options);
  rte_mempool* pool = start_port(0);
  std::signal(SIGINT, [](int) { stopped = true; });
  const Report report = Load(options, 0, pool).run();
  std::printf("{\"sent\": %" PRIu64 ", \"answered\": %" PRIu64 ", \"wrong\": %" PRIu64 ", \"seconds\": %.3f}\n",
              report.sent, report.answered, report.wrong, report.seconds);
  rte_eth_dev_stop(0);
  rte_eth_dev_close(0);
  rte_eal_cleanup();
  return 0;
}
