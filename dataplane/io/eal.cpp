#include "dataplane/io/eal.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_pci.h>

namespace anytick::io {
namespace {

std::string joined(const std::vector<std::string>& parts, std::string_view separator) {
  std::string text;
  for (const std::string& part : parts) text.append(text.empty() ? "" : separator).append(part);
  return text;
}

/// "0@(0,2),1@1,2@3": lcore 0 on the control cores, then a lcore per worker.
std::string lcore_map(const Config& config) {
  std::vector<std::string> control;
  for (const unsigned core : config.eal.control_cores) control.push_back(std::to_string(core));
  std::string map = fmt::format("0@({})", joined(control, ","));
  for (unsigned i = 0; i < config.workers.cores.size(); ++i) {
    map += fmt::format(",{}@{}", worker_lcore(i), config.workers.cores[i]);
  }
  return map;
}

bool wants_huge_pages(const EalConfig& eal, uint64_t free_bytes) {
  if (eal.huge_pages == HugePages::when_free) return free_bytes >= uint64_t{eal.memory_mb} << 20;
  return eal.huge_pages == HugePages::on;
}

} // namespace

bool is_pci_address(std::string_view device) {
  rte_pci_addr address{};
  return rte_pci_addr_parse(std::string(device.substr(0, device.find(','))).c_str(), &address) == 0;
}

uint64_t free_huge_page_bytes() {
  uint64_t bytes = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/sys/kernel/mm/hugepages", error)) {
    constexpr std::string_view prefix = "hugepages-"; // hugepages-2048kB
    const std::string name = entry.path().filename();
    uint64_t pages = 0;
    if (name.starts_with(prefix) && std::ifstream(entry.path() / "free_hugepages") >> pages) {
      bytes += pages * (std::stoull(name.substr(prefix.size())) << 10);
    }
  }
  return bytes;
}

std::vector<std::string> eal_arguments(const Config& config, uint64_t free_huge_bytes) {
  std::vector<std::string> arguments{
      "anytickd",
      "--no-telemetry",
      "--file-prefix=anytickd",
      "--lcores=" + lcore_map(config),
      "--main-lcore=0",
      fmt::format("-m{}", config.eal.memory_mb),
      config.log_level == LogLevel::debug ? "--log-level=*:debug" : "--log-level=*:notice",
  };
  // Either way no files: nothing is left behind by a crash, nothing is shared with other processes.
  if (wants_huge_pages(config.eal, free_huge_bytes)) {
    arguments.emplace_back("--in-memory");
  } else {
    arguments.insert(arguments.end(), {"--no-huge", "--no-shconf"});
  }
  const bool pci =
      std::ranges::any_of(config.ports, [](const PortConfig& port) { return is_pci_address(port.device); });
  if (pci) {
    for (const PortConfig& port : config.ports) {
      if (is_pci_address(port.device)) arguments.push_back("--allow=" + port.device);
    }
  } else {
    arguments.emplace_back("--no-pci");
    // By physical addresses, a mempool would have gaps at page borders, which net_af_xdp cannot register as one area.
    arguments.emplace_back("--iova-mode=va");
  }
  arguments.insert(arguments.end(), config.eal.extra.begin(), config.eal.extra.end());
  return arguments;
}

Result<Eal> Eal::init(const Config& config) {
  std::vector<std::string> arguments = eal_arguments(config, free_huge_page_bytes());
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  if (rte_eal_init(static_cast<int>(argv.size()), argv.data()) < 0) {
    return Refusal{"EAL", "", fmt::format("{} (arguments: {})", rte_strerror(rte_errno), joined(arguments, " "))};
  }
  return Eal();
}

Eal::~Eal() {
  if (alive_) rte_eal_cleanup();
}

} // namespace anytick::io
