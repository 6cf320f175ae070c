#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include <sys/socket.h>

#include "dataplane/core/path.h"

namespace anytick::io {

/// Answers the datagrams that came by the kernel: those that were fragments, or had IPv4 options or IPv6 extension
/// headers. Not thread-safe.
class UdpService {
 public:
  explicit UdpService(core::WorkerState& worker);

  /// One batch of what waits at a socket. Each datagram is counted as a query and as what became of it.
  void serve(int socket, const core::View& view);

 private:
  static constexpr size_t batch = 16;
  static constexpr size_t message_max = 65'535; ///< more than any datagram carries

  using Messages = std::array<std::array<uint8_t, message_max>, batch>;

  size_t answer(mmsghdr& message, size_t length, const core::View& view);
  void send(int socket, size_t count);

  core::WorkerState& worker_;
  std::unique_ptr<Messages> messages_;
  std::array<sockaddr_storage, batch> peers_;
  std::array<iovec, batch> parts_;
  std::array<mmsghdr, batch> headers_;
};

} // namespace anytick::io
