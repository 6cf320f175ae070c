#pragma once

#include <cstdint>
#include <string>

struct rte_mempool;

namespace anytick::bench {

struct PortOptions {
  std::string device; ///< of a virtual device, DPDK's name and arguments; of another, its PCI address
  unsigned core = 0;
  bool huge_pages = false;
  uint16_t rx_descriptors = 2048, tx_descriptors = 2048; ///< as near as the device has them
};

/// DPDK's environment with one started port of one queue. At most one in a process. Checksums are not left to the
/// device: a frame has its own in memory, and to keep them right costs less than to ask for them.
class Port {
 public:
  /// Throws std::runtime_error.
  explicit Port(const PortOptions& options);
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;
  ~Port();

  /// Throws std::runtime_error where there is none in time.
  void wait_for_link() const;
  uint16_t id() const { return id_; }
  rte_mempool* pool() const { return pool_; }
  std::string mac() const; ///< hexadecimal

 private:
  void start(const PortOptions& options);

  uint16_t id_ = 0;
  rte_mempool* pool_ = nullptr;
};

/// "02:00:00:00:00:01" as hexadecimal digits alone. Throws std::runtime_error.
std::string parse_mac(const std::string& text);

} // namespace anytick::bench
