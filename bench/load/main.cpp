// Asks a server by a DPDK port and checks what it answers: exits with 1 where an answer was wrong, or none came at all.
// Questions are of one thread and core, over IPv4; the report goes to stdout as JSON. SIGINT ends it before its time.

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "bench/load/load.h"

namespace anytick::bench {
namespace {

constexpr uint16_t descriptors = 2048;

std::atomic<bool> stopped = false;

struct Options {
  std::string device, image;
  unsigned core = 0;
  bool huge_pages = false;
  MixOptions mix;
  LoadOptions load;
};

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "anytick_load: %s\n", what.c_str());
  std::exit(2);
}

void read_options(CLI::App& app, Options& options) {
  app.add_option("--device", options.device, "DPDK's name and arguments of a virtual device")->required();
  app.add_option("--core", options.core);
  app.add_flag("--huge-pages", options.huge_pages, "as net_memif needs them");
  app.add_option("--image", options.image, "what the server answers from: all of its names with A records are asked");
  MixOptions& mix = options.mix;
  app.add_option("--server", mix.server)->required()->check(CLI::ValidIPV4);
  app.add_option("--server-mac", mix.server_mac)->required();
  app.add_option("--sources", mix.sources, "first address of clients")->check(CLI::ValidIPV4);
  app.add_option("--source-bits", mix.source_bits, "2^N clients")->check(CLI::Range(1, 31));
  app.add_option("--zipf", mix.zipf, "exponent, in the order of the image")->check(CLI::NonNegativeNumber);
  app.add_option("--seed", mix.seed);
  for (const auto& [name, share] : std::initializer_list<std::pair<const char*, double*>>{
           {"--edns", &mix.edns}, {"--subnet", &mix.subnet}, {"--ntp", &mix.ntp}, {"--garbage", &mix.garbage}})
    app.add_option(name, *share, "share")->check(CLI::Range(0.0, 1.0));
  LoadOptions& load = options.load;
  app.add_option("--rate", load.rate, "frames a second; 0: all that the window lets")->check(CLI::NonNegativeNumber);
  app.add_option("--seconds", load.seconds)->check(CLI::PositiveNumber);
  app.add_option("--window", load.window, "most unanswered ones")->check(CLI::Range(32u, window_max));
  app.add_option("--timeout", load.timeout, "seconds")->check(CLI::PositiveNumber);
  app.add_option("--check-every", load.check_every, "N: look into one of N replies")->check(CLI::PositiveNumber);
}

void start_eal(const Options& options) {
  std::vector<std::string> arguments{"anytick_load", "--no-telemetry", "--no-pci", "--log-level=*:warning"};
  const auto add = [&](std::initializer_list<std::string> more) { arguments.insert(arguments.end(), more); };
  if (options.huge_pages) {
    add({"--in-memory", "--single-file-segments", "-m128"});
  } else {
    add({"--no-huge", "--no-shconf", "--iova-mode=va", "-m128"});
  }
  add({"--lcores", "0@" + std::to_string(options.core), "--vdev", options.device});
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  if (rte_eal_init(static_cast<int>(argv.size()), argv.data()) < 0)
    fail(std::string("EAL: ") + rte_strerror(rte_errno));
  if (rte_eth_dev_count_avail() != 1) fail(options.device + ": no such device");
}

rte_mempool* start_port(uint16_t port) {
  // By what net_af_xdp asks for: its fill and completion rings beside ours.
  rte_mempool* pool = rte_pktmbuf_pool_create("load", 16383, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
  if (pool == nullptr) fail("no memory for mbufs");
  const rte_eth_conf configuration{};
  int result = rte_eth_dev_configure(port, 1, 1, &configuration);
  if (result == 0) result = rte_eth_rx_queue_setup(port, 0, descriptors, SOCKET_ID_ANY, nullptr, pool);
  if (result == 0) result = rte_eth_tx_queue_setup(port, 0, descriptors, SOCKET_ID_ANY, nullptr);
  if (result == 0) result = rte_eth_dev_start(port);
  if (result != 0) fail(std::string("port: ") + rte_strerror(-result));
  return pool;
}

std::string hex_of(const rte_ether_addr& mac) {
  return test::to_hex({std::begin(mac.addr_bytes), std::end(mac.addr_bytes)});
}

/// As test::Packet takes them.
void set_macs(MixOptions& mix, uint16_t port) {
  rte_ether_addr mac{};
  if (rte_ether_unformat_addr(mix.server_mac.c_str(), &mac) != 0) fail("--server-mac: no MAC address");
  mix.server_mac = hex_of(mac);
  rte_eth_macaddr_get(port, &mac);
  mix.client_mac = hex_of(mac);
}

std::vector<Answerable> names_of(const Options& options) {
  if (options.image.empty()) return {};
  std::ifstream file(options.image, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::vector<uint64_t> words((text.size() + 7) / 8); // aligned as an image must be
  std::memcpy(words.data(), text.data(), text.size());
  const auto image = core::ZoneImage::validate(std::as_bytes(std::span(words)).first(text.size()));
  if (!image) fail(options.image + ": " + image.refusal().text());
  return answerable_names(*image);
}

void print(const LoadReport& report) {
  const double per_us = static_cast<double>(rte_get_tsc_hz()) / 1e6;
  const auto us = [&](uint64_t cycles) { return static_cast<double>(cycles) / per_us; };
  nlohmann::ordered_json latency;
  for (const auto& [name, share] :
       std::initializer_list<std::pair<const char*, double>>{{"50", 0.5}, {"90", 0.9}, {"99", 0.99}, {"99.9", 0.999}})
    latency[name] = us(report.cycles.quantile(share));
  latency["max"] = us(report.cycles.max());
  const nlohmann::ordered_json all{
      {"sent", report.sent},   {"garbage", report.garbage}, {"answered", report.answered}, {"checked", report.checked},
      {"wrong", report.wrong}, {"lost", report.lost},       {"unasked", report.unasked},   {"seconds", report.seconds},
      {"latency_us", latency}, {"faults", report.faults}};
  std::puts(all.dump().c_str());
}

int run(Options options) {
  const std::vector<Answerable> names = names_of(options);
  if (options.mix.ntp + options.mix.garbage > 1) fail("--ntp and --garbage: more than all");
  if (names.empty() && options.mix.ntp + options.mix.garbage < 1) fail("--image: no name with A records to ask for");
  start_eal(options);
  rte_mempool* pool = start_port(0);
  set_macs(options.mix, 0);
  const std::vector<MixFrame> frames = draw_mix(options.mix, names);
  std::signal(SIGINT, [](int) { stopped = true; });
  const LoadReport report = Load(options.load, options.mix, frames, 0, pool).run(stopped);
  print(report);
  rte_eth_dev_stop(0);
  rte_eth_dev_close(0);
  rte_eal_cleanup();
  return report.wrong > 0 || (report.sent > 0 && report.answered == 0) ? 1 : 0;
}

} // namespace
} // namespace anytick::bench

int main(int argc, char** argv) {
  anytick::bench::Options options;
  CLI::App app("Asks a DNS and NTP server by DPDK and checks its answers.");
  anytick::bench::read_options(app, options);
  CLI11_PARSE(app, argc, argv);
  return anytick::bench::run(options);
}
