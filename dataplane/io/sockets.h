#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "dataplane/config.h"
#include "dataplane/core/path.h"
#include "dataplane/io/poller.h"
#include "dataplane/io/service_socket.h"
#include "dataplane/io/tables.h"
#include "dataplane/io/tcp_service.h"
#include "dataplane/io/thread_resources.h"
#include "dataplane/io/udp_service.h"
#include "dataplane/io/wall_clock.h"

namespace anytick::io {

/// Where sockets listen. Port 0 lets the kernel choose.
struct SocketPorts {
  uint16_t dns = 53;
  std::optional<uint16_t> ntp = 123; ///< nothing: NTP is not answered
};

/// DNS over TCP (RFC 7766), and DNS and NTP over UDP that came by the kernel, at the service addresses: one thread,
/// from start() to destruction. It answers from the same tables as the workers, of which it is one more reader. All
/// calls are for the control thread; the thread inherits its cores.
class Sockets {
 public:
  /// `id` is below the number of readers of `tables`. The seed is of the draws.
  static Result<std::unique_ptr<Sockets>> open(const SocketsConfig& config, const std::vector<geo::Address>& addresses,
                                               const SocketPorts& ports, Tables& tables, unsigned id, uint64_t seed,
                                               const ThreadResources& resources = {});
  Sockets(const Sockets&) = delete;
  Sockets& operator=(const Sockets&) = delete;
  /// Closes all connections.
  ~Sockets();

  void start();

  const core::Counters& counters() const { return state_.counters; }
  /// Where the sockets are bound, in the order of the addresses.
  std::vector<Endpoint> udp_endpoints() const { return endpoints(Watched::Kind::dns); }
  std::vector<Endpoint> ntp_endpoints() const { return endpoints(Watched::Kind::ntp); }
  std::vector<Endpoint> tcp_endpoints() const { return endpoints(Watched::Kind::listener); }

 private:
  struct Socket : Watched {
    FileDescriptor fd;
  };

  Sockets(const SocketsConfig& config, Tables& tables, unsigned id, uint64_t seed, const ThreadResources& resources);

  std::optional<Refusal> open_at(const geo::Address& address, const SocketPorts& ports, unsigned backlog);
  std::optional<Refusal> watch(FileDescriptor fd, Watched::Kind kind);
  std::vector<Endpoint> endpoints(Watched::Kind kind) const;
  void run();
  bool serve(std::span<const epoll_event> events, TableReader& reader);
  void accept(Clock::time_point now);
  void let_wait(bool waiting);
  void expire();

  const std::chrono::milliseconds expire_every_;
  Tables& tables_;
  const unsigned id_;
  WallClock clock_;
  core::WorkerState state_;
  Poller poller_;
  std::vector<std::unique_ptr<Socket>> sockets_; ///< the eventfd that ends the thread, then those of each address
  std::vector<Socket*> listeners_ready_;
  bool listeners_wait_ = false;
  Clock::time_point expired_{};
  UdpService udp_;
  TcpService tcp_;
  std::thread thread_;
};

} // namespace anytick::io
