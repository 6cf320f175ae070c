#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <exception>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <malloc.h>
#include <rte_launch.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "dataplane/config.h"
#include "dataplane/io/clock_service.h"
#include "dataplane/io/control_server.h"
#include "dataplane/io/control_service.h"
#include "dataplane/io/control_tls.h"
#include "dataplane/io/eal.h"
#include "dataplane/io/kernel_path.h"
#include "dataplane/io/ntp_threads.h"
#include "dataplane/io/numa.h"
#include "dataplane/io/policy_compiler.h"
#include "dataplane/io/port.h"
#include "dataplane/io/rate_limits.h"
#include "dataplane/io/sockets.h"
#include "dataplane/io/tables.h"
#include "dataplane/io/worker.h"

namespace anytick::io {
namespace {

using Ports = std::vector<std::unique_ptr<Port>>;
using Workers = std::vector<std::unique_ptr<Worker>>;

int fail(const Refusal& refusal) {
  spdlog::error("{}", refusal.text());
  return 1;
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
  case LogLevel::debug:
    return spdlog::level::debug;
  case LogLevel::info:
    return spdlog::level::info;
  case LogLevel::warning:
    return spdlog::level::warn;
  case LogLevel::error:
    return spdlog::level::err;
  }
  return spdlog::level::info;
}

/// Whoever reads our log, or a socket or pipe of ours, may be gone before us.
void ignore_broken_pipes() {
  std::signal(SIGPIPE, SIG_IGN);
}

/// The signals that end the daemon. Blocked before any other thread starts, so that only the main thread's wait takes
/// them.
sigset_t blocked_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  block_twin_signals();
  return signals;
}

uint64_t random_seed() {
  std::random_device device;
  return (uint64_t{device()} << 32) | device();
}

Result<Ports> open_ports(const Config& config) {
  Ports ports;
  for (const PortConfig& port_config : config.ports) {
    Result<std::unique_ptr<Port>> port = Port::open(port_config, config.workers, config.ntp.enabled);
    if (!port) return port.refusal();
    if (auto refusal = (*port)->start()) return std::move(*refusal);
    ports.push_back(std::move(*port));
  }
  return ports;
}

Result<std::unique_ptr<Limits>> make_limits(const Config& config, const Ports& ports, const ThreadNodes& nodes) {
  const bool spread = std::ranges::any_of(ports, [](const auto& port) { return !port->keeps_sources(); });
  return Limits::make(config.limit, static_cast<unsigned>(config.workers.cores.size()), spread, nodes);
}

core::NtpTime duration(std::chrono::nanoseconds time) {
  return core::ntp_duration(static_cast<uint64_t>(time.count()));
}

/// What the threads that answer have beside tables: the workers, then that of the sockets.
class Equipment {
 public:
  Equipment(const ClockService& clock, Limits& limits, const NtpThreads& ntp)
      : clock_(clock), limits_(limits), ntp_(ntp) {}

  ThreadResources of(unsigned thread) const {
    return {&clock_.cell(), &limits_.of(thread), ntp_.keys(thread), ntp_.interleave(thread)};
  }

 private:
  const ClockService& clock_;
  Limits& limits_;
  const NtpThreads& ntp_;
};

Workers make_workers(const Config& config, const Ports& ports, const KernelPath& kernel, Tables& tables,
                     const Equipment& equipment) {
  Workers workers;
  const auto count = static_cast<unsigned>(config.workers.cores.size());
  for (unsigned i = 0; i < count; ++i) {
    std::vector<PortQueue> queues;
    for (size_t p = 0; p < ports.size(); ++p) {
      const PortConfig& port = ports[p]->config();
      queues.push_back({ports[p]->id(), static_cast<uint16_t>(i), &ports[p]->ingress(), kernel.share(p, i, count),
                        ports[p]->rx_stamps(), duration(port.receive_delay), duration(port.transmit_delay),
                        ports[p]->opened(), port.rx_descriptors});
    }
    workers.push_back(std::make_unique<Worker>(i, config.workers.cores[i], config.workers, std::move(queues), tables,
                                               random_seed(), equipment.of(i)));
  }
  return workers;
}

/// At the service addresses of all ports; null if they are not wanted. They are the reader of the tables that comes
/// after the workers.
Result<std::unique_ptr<Sockets>> open_sockets(const Config& config, Tables& tables, const Equipment& equipment) {
  if (!config.sockets.enabled) return std::unique_ptr<Sockets>();
  std::set<geo::Address> addresses;
  for (const PortConfig& port : config.ports) addresses.insert(port.addresses.begin(), port.addresses.end());
  const auto id = static_cast<unsigned>(config.workers.cores.size());
  SocketPorts ports;
  if (!config.ntp.enabled) ports.ntp.reset();
  return Sockets::open(config.sockets, {addresses.begin(), addresses.end()}, ports, tables, id, random_seed(),
                       equipment.of(id));
}

/// The workers on their lcores, from construction to destruction.
class RunningWorkers {
 public:
  explicit RunningWorkers(Workers& workers) : workers_(workers) {
    for (unsigned i = 0; i < workers_.size(); ++i) {
      rte_eal_remote_launch(
          [](void* worker) {
            static_cast<Worker*>(worker)->run();
            return 0;
          },
          workers_[i].get(), worker_lcore(i));
    }
    for (const auto& worker : workers_) {
      while (!worker->polls()) std::this_thread::yield();
    }
  }
  RunningWorkers(const RunningWorkers&) = delete;
  RunningWorkers& operator=(const RunningWorkers&) = delete;
  ~RunningWorkers() {
    for (const auto& worker : workers_) worker->stop();
    rte_eal_mp_wait_lcore();
  }

 private:
  Workers& workers_;
};

void wait_for_end(const sigset_t& signals, const Ports& ports, KernelPath& kernel, Limits& limits) {
  const timespec tenth{0, 100'000'000};
  int signal = -1;
  for (unsigned tenths = 1; (signal = sigtimedwait(&signals, nullptr, &tenth)) < 0; ++tenths) {
    for (const auto& port : ports) port->watch_clock();
    if (tenths % 10 != 0) continue;
    for (const auto& port : ports) port->watch_link();
    kernel.watch();
    limits.log_reports();
  }
  spdlog::info("stopping: signal {}", signal);
}

/// Tables come and go by the megabyte. The C library would learn to keep what they leave for others, and fresh pages
/// are near who is the first to touch them.
void give_tables_back() {
  mallopt(M_MMAP_THRESHOLD, 128 << 10);
}

int serve(const Config& config, const sigset_t& signals) {
  give_tables_back();
  const Result<Eal> eal = Eal::init(config);
  if (!eal) return fail(eal.refusal());
  Result<TableStore> store = TableStore::open(config.state_dir);
  if (!store) return fail(store.refusal());
  const auto readers = static_cast<unsigned>(config.workers.cores.size() + 1);
  const ThreadNodes nodes(config.workers.cores);
  Tables tables(readers, std::move(*store), config.trusted_keys, config.identity, PolicyCompiler(), nodes);
  tables.load_stored(config.max_table_bytes);
  const Result<Ports> ports = open_ports(config);
  if (!ports) return fail(ports.refusal());
  const Result<std::unique_ptr<KernelPath>> kernel = KernelPath::open(*ports);
  if (!kernel) return fail(kernel.refusal());
  const Result<std::unique_ptr<Limits>> limits = make_limits(config, *ports, nodes);
  if (!limits) return fail(limits.refusal());
  const Result<NtpThreads> ntp = NtpThreads::make(config.ntp, readers, nodes);
  if (!ntp) return fail(ntp.refusal());
  ClockService clock(config.clock, int64_t{ANYTICK_BUILT} * 1'000'000'000);
  if (config.ntp.enabled) clock.start();
  const Equipment equipment(clock, **limits, *ntp);
  Workers workers = make_workers(config, *ports, **kernel, tables, equipment);
  const Result<std::unique_ptr<Sockets>> sockets = open_sockets(config, tables, equipment);
  if (!sockets) return fail(sockets.refusal());
  std::vector<WorkerView> views;
  for (const auto& worker : workers) views.push_back({worker->core(), &worker->counters()});
  if (*sockets != nullptr) views.push_back({0, &(*sockets)->counters(), "sockets"});
  std::vector<PortView> port_views;
  for (const auto& port : *ports) port_views.push_back({std::string(port->config().device_name()), port->id()});
  ControlService service({config.name, ANYTICK_VERSION, config.max_table_bytes}, tables, std::move(views),
                         std::move(port_views), config.ntp.enabled ? &clock : nullptr);
  const RunningWorkers running(workers);
  if (*sockets != nullptr) (*sockets)->start();
  // No reason not to answer queries.
  if (const auto fault = control_certificate_fault(config.control_tls, std::time(nullptr)))
    spdlog::error("clients will not take what control by TCP shows them: {}", fault->text());
  const Result<std::unique_ptr<ControlServer>> server =
      ControlServer::start(config.control_socket, service, config.control_tls);
  if (!server) return fail(server.refusal());
  std::puts("ready");
  std::fflush(stdout);
  wait_for_end(signals, *ports, **kernel, **limits);
  return 0;
}

int check(const std::string& file, ParsedConfig parsed) {
  if (parsed.config)
    if (auto fault = control_certificate_fault(parsed.config->control_tls, std::time(nullptr)))
      parsed.faults.push_back(std::move(*fault));
  for (const Refusal& fault : parsed.faults) fmt::print(stderr, "{}\n", fault.text());
  if (parsed.faults.empty()) fmt::print("{}: no faults\n", file);
  return parsed.faults.empty() ? 0 : 1;
}

int run(int argc, char** argv) {
  CLI::App app("anytickd: the packet-path DNS and NTP responder of a POP.");
  app.set_version_flag("--version", ANYTICK_VERSION);
  app.footer("Exit codes: 0 stopped by SIGINT or SIGTERM, 1 could not start, 2 usage.");
  std::string file;
  bool only_check = false;
  app.add_option("--config", file, "the POP's configuration (TOML)")->required();
  app.add_flag("--check", only_check, "only check the configuration; every fault is reported");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  ParsedConfig parsed = read_config(file);
  if (only_check || !parsed.config) return check(file, std::move(parsed));
  ignore_broken_pipes();
  spdlog::set_default_logger(spdlog::stderr_color_mt("anytickd"));
  spdlog::set_level(spdlog_level(parsed.config->log_level));
  return serve(*parsed.config, blocked_signals());
}

} // namespace
} // namespace anytick::io

int main(int argc, char** argv) {
  try {
    if (argc == 2 && std::string_view(argv[1]) == anytick::io::compile_policy_option)
      return anytick::io::compile_policy_process();
    return anytick::io::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "anytickd: {}\n", error.what());
    return 1;
  }
}
