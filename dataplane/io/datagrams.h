#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include <sys/socket.h>

#include "dataplane/io/service_socket.h"

namespace anytick::io {

/// Datagrams that came by the kernel, a batch at a time, each answered in its own buffer. Not thread-safe.
class DatagramBatch {
 public:
  static constexpr size_t size = 16;
  static constexpr size_t message_max = 65'535; ///< more than any datagram carries

  DatagramBatch() : memory_(std::make_unique<Memory>()) {}

  /// What waits at a socket; how many.
  size_t receive(int socket);

  uint8_t* message(size_t i) { return memory_->messages[i].data(); }
  size_t length(size_t i) const { return headers_[i].msg_len; }
  Endpoint peer(size_t i) const { return endpoint_of(memory_->peers[i]); }
  /// CLOCK_REALTIME, nanoseconds, when the kernel got it; 0 where the socket does not say.
  int64_t received(size_t i) const;

  /// Makes `length` bytes of the i-th message a reply to who sent it. Replies are sent in the order of these calls.
  void reply(size_t i, size_t length);
  /// Returns how many of the replies the kernel did not take; they are forgotten.
  size_t send(int socket);

 private:
  struct Memory {
    std::array<std::array<uint8_t, message_max>, size> messages;
    std::array<sockaddr_storage, size> peers;
    alignas(cmsghdr) std::array<std::array<uint8_t, CMSG_SPACE(sizeof(timespec))>, size> controls;
  };

  std::unique_ptr<Memory> memory_;
  std::array<iovec, size> parts_;
  std::array<mmsghdr, size> headers_;
  std::array<mmsghdr, size> replies_;
  size_t reply_count_ = 0;
};

} // namespace anytick::io
