#include "dataplane/io/udp_service.h"

#include <algorithm>

#include "dataplane/core/frame.h"
#include "dataplane/io/service_socket.h"

namespace anytick::io {

using core::Counter;

UdpService::UdpService(core::WorkerState& worker) : worker_(worker), messages_(std::make_unique<Messages>()) {}

void UdpService::serve(int socket, const core::View& view) {
  for (size_t i = 0; i < batch; ++i) {
    parts_[i] = {(*messages_)[i].data(), message_max};
    headers_[i] = {};
    headers_[i].msg_hdr.msg_name = &peers_[i];
    headers_[i].msg_hdr.msg_namelen = sizeof peers_[i];
    headers_[i].msg_hdr.msg_iov = &parts_[i];
    headers_[i].msg_hdr.msg_iovlen = 1;
  }
  const int received = ::recvmmsg(socket, headers_.data(), batch, 0, nullptr);
  size_t replies = 0;
  for (int i = 0; i < received; ++i) {
    mmsghdr& message = headers_[static_cast<size_t>(i)];
    const size_t length = answer(message, message.msg_len, view);
    if (length == 0) continue;
    message.msg_hdr.msg_iov->iov_len = length;
    headers_[replies++] = message;
  }
  send(socket, replies);
}

/// In place; the reply's length, or 0 if there is none.
size_t UdpService::answer(mmsghdr& message, size_t length, const core::View& view) {
  const Endpoint peer = endpoint_of(*static_cast<const sockaddr_storage*>(message.msg_hdr.msg_name));
  worker_.counters.add(Counter::kernel_udp_queries);
  if (const Counter reason = core::check_source_port(peer.port); reason != Counter::count_) {
    worker_.counters.add(reason);
    return 0;
  }
  auto* bytes = static_cast<uint8_t*>(message.msg_hdr.msg_iov->iov_base);
  return core::answer(view, worker_, {peer.address, true}, bytes, length, message_max);
}

/// What the kernel does not take is counted and forgotten, as on a port.
void UdpService::send(int socket, size_t count) {
  size_t sent = 0;
  while (sent < count) {
    const int taken = ::sendmmsg(socket, &headers_[sent], static_cast<unsigned>(count - sent), 0);
    if (taken > 0) {
      sent += static_cast<size_t>(taken);
    } else {
      worker_.counters.add(Counter::tx_refused);
      ++sent;
    }
  }
}

} // namespace anytick::io
