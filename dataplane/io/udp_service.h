#pragma once

#include "dataplane/core/frame.h"
#include "dataplane/core/path.h"
#include "dataplane/io/datagrams.h"

namespace anytick::io {

/// Answers the datagrams that came by the kernel: those that were fragments, or had IPv4 options or IPv6 extension
/// headers. Each is counted as a query and as what became of it. Not thread-safe.
class UdpService {
 public:
  explicit UdpService(core::WorkerState& worker) : worker_(worker) {}

  /// One batch of what waits at a socket of DNS.
  void serve_dns(int socket, const core::View& view);
  /// And of NTP.
  void serve_ntp(int socket);

 private:
  bool admit(core::Service service, const Endpoint& peer);
  void send(int socket);

  core::WorkerState& worker_;
  DatagramBatch batch_;
};

} // namespace anytick::io
