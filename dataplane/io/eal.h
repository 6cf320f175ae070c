#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dataplane/config.h"

/// DPDK's environment. EAL's main lcore is lcore 0 and has the control cores; lcore 1 + i is worker i on its core.
namespace anytick::io {

constexpr unsigned worker_lcore(unsigned worker) {
  return worker + 1;
}

/// "0000:3b:00.0" or "3b:00.0", as opposed to a virtual device.
bool is_pci_address(std::string_view device);

/// Bytes of free huge pages, of all sizes.
uint64_t free_huge_page_bytes();

/// The argument vector for rte_eal_init(), program name first.
std::vector<std::string> eal_arguments(const Config& config, uint64_t free_huge_bytes);

/// EAL lives from init() to destruction; at most one per process and process life.
/// The calling thread becomes the main lcore: threads that it starts later inherit the control cores.
class Eal {
 public:
  static Result<Eal> init(const Config& config);

  Eal(Eal&& other) noexcept : alive_(std::exchange(other.alive_, false)) {}
  Eal& operator=(Eal&&) = delete;
  ~Eal();

 private:
  Eal() = default;
  bool alive_ = true;
};

} // namespace anytick::io
