#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "dataplane/io/doorbell.h"
#include "dataplane/io/kernel_lane.h"
#include "dataplane/io/kernel_twin.h"
#include "dataplane/io/port.h"

namespace anytick::io {

/// Blocks, in the calling thread and in those that it starts from now on, the signals by which net_tap learns that the
/// kernel sent something; the kernel path's thread takes them. To be called before any other thread starts.
void block_twin_signals();

/// What is not the fast path's goes to the kernel, and what the kernel sends comes out of the port: a twin for each
/// port that has one configured, and one thread that carries frames between twins and lanes and sleeps while there are
/// none. Control thread only; the carrying thread has its affinity.
class KernelPath {
 public:
  /// Precondition: block_twin_signals(). The ports outlive the path.
  static Result<std::unique_ptr<KernelPath>> open(const std::vector<std::unique_ptr<Port>>& ports);
  KernelPath(const KernelPath&) = delete;
  KernelPath& operator=(const KernelPath&) = delete;
  /// Takes the twins away. Workers must be done with their shares.
  ~KernelPath();

  /// What the `worker`th of `workers` has of the path of ports[port], for as long as the path lives.
  KernelShare share(size_t port, unsigned worker, unsigned workers) const;
  /// Logs how many frames the kernel refused since the last call.
  void watch();

 private:
  struct Way {
    const Port* port;
    std::unique_ptr<KernelLane> lane;
    std::unique_ptr<KernelTwin> twin; ///< closed before its lane, whose pool it uses
    std::atomic<uint64_t> refused{0};
    uint64_t refused_known = 0;
  };
  enum class Progress : uint8_t { none, carried, blocked };

  KernelPath();
  bool wait_for(int fd) const;
  std::optional<Refusal> add(const Port& port, size_t index);
  void run(const std::stop_token& stop);
  Progress carry();
  static Progress carry_from_kernel(Way& way);
  bool has_punts() const;
  void nap() const;
  void sleep();

  Doorbell bell_;
  int epoll_;
  bool all_tell_ = true;                   ///< every twin has a descriptor to wait for
  std::vector<std::unique_ptr<Way>> ways_; ///< as the ports; null: no twin
  std::jthread thread_;
};

} // namespace anytick::io
