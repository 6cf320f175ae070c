// Asks a server by a DPDK port and checks what it answers: exits with 1 where an answer was wrong, or none came at all.
// Questions are of one thread and core; the report goes to stdout as JSON. SIGINT, SIGTERM and SIGHUP end it before its
// time.

#include <nlohmann/json.hpp>
#include <rte_cycles.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <stdexcept>

#include "bench/load/capture.h"
#include "bench/load/inputs.h"

namespace anytick::bench {
namespace {

std::atomic<bool> stopped = false;

void print(const LoadReport& report) {
  const double per_us = static_cast<double>(rte_get_tsc_hz()) / 1e6;
  const auto us = [&](uint64_t cycles) { return static_cast<double>(cycles) / per_us; };
  nlohmann::ordered_json latency;
  for (const auto& [name, share] :
       std::initializer_list<std::pair<const char*, double>>{{"50", 0.5}, {"90", 0.9}, {"99", 0.99}, {"99.9", 0.999}})
    latency[name] = us(report.cycles.quantile(share));
  latency["max"] = us(report.cycles.max());
  const nlohmann::ordered_json all{
      {"sent", report.sent},       {"garbage", report.garbage}, {"answered", report.answered},
      {"checked", report.checked}, {"wrong", report.wrong},     {"lost", report.lost},
      {"unsent", report.unsent},   {"unasked", report.unasked}, {"seconds", report.seconds},
      {"latency_us", latency},     {"faults", report.faults}};
  std::puts(all.dump().c_str());
}

void write_frames(Traffic& traffic, uint32_t count, const std::string& path) {
  std::vector<test::Bytes> frames;
  for (uint32_t number = 0; number < count; ++number) {
    std::array<uint8_t, frame_max> frame;
    const size_t length = traffic.write(number, frame.data()).length;
    frames.emplace_back(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(length));
  }
  if (const auto refusal = write_capture(path, frames)) throw std::runtime_error(refusal->text());
}

LoadReport ask(const Options& options, const Inputs& inputs) {
  const Port port(options.port);
  port.wait_for_link();
  const auto traffic = inputs.traffic(port.mac());
  // In order, for it leaves no program on a link.
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) std::signal(number, [](int) { stopped = true; });
  return Load(options.load, *traffic, port.id(), port.pool()).run(stopped);
}

int run(const Options& options) {
  const Inputs inputs(options);
  if (!options.write.empty()) {
    write_frames(*inputs.traffic(parse_mac(options.mix.client_mac)), options.count, options.write);
    return 0;
  }
  if (options.port.device.empty()) throw std::runtime_error("--device is needed, or --write-pcap");
  const LoadReport report = ask(options, inputs);
  print(report);
  const bool asked = report.sent > 0 || report.garbage == 0; // or there was nothing to be answered
  return report.wrong > 0 || (asked && report.answered == 0) ? 1 : 0;
}

} // namespace
} // namespace anytick::bench

int main(int argc, char** argv) {
  anytick::bench::Options options;
  options.mix.client_mac = "02:00:00:00:00:02";
  CLI::App app("Asks a DNS and NTP server by DPDK and checks its answers.");
  anytick::bench::add_options(app, options);
  CLI11_PARSE(app, argc, argv);
  try {
    return anytick::bench::run(options);
  } catch (const std::runtime_error& failure) {
    std::fprintf(stderr, "anytick_load: %s\n", failure.what());
    return 2;
  }
}
