#include "bench/load/options.h"

#include <initializer_list>
#include <tuple>

namespace anytick::bench {
namespace {

constexpr const char* share = "SHARE";

void add_port_options(CLI::App& app, PortOptions& port) {
  app.add_option("--device", port.device, "DPDK's name and arguments of a virtual device, or a PCI address");
  app.add_option("--core", port.core);
  app.add_flag("--huge-pages", port.huge_pages, "as net_memif and most NICs need them");
  app.add_option("--rx-descriptors", port.rx_descriptors)->check(CLI::Range(32, 4096));
  app.add_option("--tx-descriptors", port.tx_descriptors)->check(CLI::Range(32, 4096));
}

void add_load_options(CLI::App& app, LoadOptions& load) {
  app.add_option("--rate", load.rate, "frames a second; 0: all that the window lets")->check(CLI::NonNegativeNumber);
  app.add_option("--seconds", load.seconds)->check(CLI::PositiveNumber);
  app.add_option("--window", load.window, "most unanswered ones (default: 1024; with --rate all that can be)")
      ->check(CLI::Range(32u, window_max));
  app.add_flag("--skip-late", load.skip_late,
               "with --rate: leave out what is late, which else is sent at once and its latency counted from its time");
  app.add_option("--timeout", load.timeout, "seconds")->check(CLI::PositiveNumber);
  app.add_option("--check-every", load.check_every, "N: look into one of N replies")->check(CLI::PositiveNumber);
}

void add_asked_options(CLI::App& app, Options& options) {
  app.add_option("--image", options.image, "what the server answers from: its names with addresses are asked for");
  app.add_option("--map", options.map,
                 "the geo map that the server has: answers must be those of their client's place");
  app.add_option("--zipf", options.zipf, "exponent, in the order of the image")->check(CLI::NonNegativeNumber);
  app.add_option("--names", options.names, "file of lines 'name type weight', instead of all names of the image");
  for (const auto& [name, value, what] : std::initializer_list<std::tuple<const char*, double*, const char*>>{
           {"--aaaa", &options.aaaa, "of queries, for AAAA"},
           {"--edns", &options.mix.edns, "of queries"},
           {"--subnet", &options.mix.subnet, "of queries, that state a client subnet"},
           {"--cookies", &options.mix.cookies, "of queries: a server's cookie is sent back to it"},
           {"--ipv6", &options.mix.ipv6, "of all frames"},
           {"--ntp", &options.mix.ntp, "of all frames"},
           {"--garbage", &options.mix.garbage, "of all frames"}})
    app.add_option(name, *value, what)->check(CLI::Range(0.0, 1.0))->type_name(share);
  app.add_flag("--echo", options.mix.echo, "a forwarder that swaps addresses and ports is asked: nothing is judged");
  app.add_option("--seed", options.mix.seed);
}

} // namespace

void add_options(CLI::App& app, Options& options) {
  app.add_option("--server", options.servers, "its address; one of each family");
  app.add_option("--server-mac", options.mix.server_mac)->required();
  app.add_option("--client-mac", options.mix.client_mac, "of frames that are only written");
  app.add_option("--sources", options.sources,
                 "prefix of clients, or the first one's address; one of each family (default: 10.0.0.0/8, fd00::/40)");
  app.add_option("--source-bits", options.source_bits, "2^N clients of a prefix")->check(CLI::Range(1, 31));
  app.add_option("--clients", options.clients, "file of lines with an address each, instead of --sources");
  add_asked_options(app, options);
  auto* replay = app.add_option("--pcap", options.replay, "send the frames of this capture, with other MAC addresses");
  auto* write = app.add_option("--write-pcap", options.write, "write frames to this capture, and send none");
  app.add_option("--count", options.count, "of frames that are written")->check(CLI::PositiveNumber);
  replay->excludes(write);
  add_port_options(app, options.port);
  add_load_options(app, options.load);
}

} // namespace anytick::bench
