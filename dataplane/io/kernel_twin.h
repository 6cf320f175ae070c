#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "dataplane/config.h"
#include "dataplane/core/path.h"

namespace anytick::io {

/// The twin's name and arguments as a virtual device of DPDK.
struct TwinDevice {
  std::string name;
  std::string arguments;
};
/// Precondition: the port has a twin.
TwinDevice twin_device(const PortConfig& config, const core::Mac& mac);

/// mbufs that a twin's driver keeps for itself, each way.
inline constexpr uint16_t twin_descriptors = 256;

/// An interface of the kernel that stands for a port: what is sent to it the kernel receives, and the other way round.
/// It has the port's MAC and MTU, the service addresses and those of the kernel's own, and is gone with this object.
/// Opened by the control thread, then used by one thread.
class KernelTwin {
 public:
  /// Received frames are of `pool`, which outlives the twin.
  static Result<std::unique_ptr<KernelTwin>> open(const PortConfig& config, const core::Mac& mac, rte_mempool* pool);
  KernelTwin(const KernelTwin&) = delete;
  KernelTwin& operator=(const KernelTwin&) = delete;
  ~KernelTwin();

  const std::string& interface() const { return interface_; }
  /// What becomes readable, edge-triggered, when the kernel sends. -1: this driver cannot tell.
  int fd() const { return fd_; }

  uint16_t receive(std::span<rte_mbuf*> frames);
  /// Frames are freed whether the kernel takes them or not. Returns how many it took.
  uint16_t send(std::span<rte_mbuf*> frames);

 private:
  KernelTwin(std::string interface, std::string device, uint16_t id)
      : interface_(std::move(interface)), device_(std::move(device)), id_(id) {}

  std::optional<Refusal> start(const PortConfig& config, rte_mempool* pool);
  Refusal refusal(const std::string& step, int error) const;

  std::string interface_;
  std::string device_;
  uint16_t id_;
  int fd_ = -1;
};

} // namespace anytick::io
