#include "dataplane/io/udp_service.h"

#include <algorithm>

#include "dataplane/io/wall_clock.h"

namespace anytick::io {

using core::Counter;
using core::Service;

void UdpService::serve_dns(int socket, const core::View& view) {
  const size_t count = batch_.receive(socket);
  for (size_t i = 0; i < count; ++i) {
    const Endpoint peer = batch_.peer(i);
    if (!admit(Service::dns, peer)) continue;
    const size_t length = core::answer(view, worker_, {peer.address, true}, batch_.message(i), batch_.length(i),
                                       DatagramBatch::message_max);
    if (length > 0) batch_.reply(i, length);
  }
  send(socket);
}

void UdpService::serve_ntp(int socket) {
  const size_t count = batch_.receive(socket);
  for (size_t i = 0; i < count; ++i) {
    const Endpoint peer = batch_.peer(i);
    if (!admit(Service::ntp, peer)) continue;
    worker_.wall = read_wall_clock().wall;
    const int64_t waited = batch_.received(i) != 0 ? worker_.wall.realtime - batch_.received(i) : 0;
    worker_.waited = core::ntp_duration(static_cast<uint64_t>(std::max(waited, int64_t{0})));
    const auto reply = core::answer_ntp(worker_, peer.address, peer.port, batch_.message(i), batch_.length(i));
    if (!reply) continue;
    const int64_t since = read_wall_clock().wall.monotonic - worker_.wall.monotonic;
    core::finish_ntp_reply(*reply, worker_.clock.now + core::ntp_duration(static_cast<uint64_t>(since)),
                           batch_.message(i));
    batch_.reply(i, reply->length);
  }
  send(socket);
}

bool UdpService::admit(Service service, const Endpoint& peer) {
  worker_.counters.add(Counter::kernel_udp_queries);
  const Counter reason = core::check_source_port(service, peer.port);
  if (reason != Counter::count_) worker_.counters.add(reason);
  return reason == Counter::count_;
}

/// What the kernel does not take is counted and forgotten, as on a port.
void UdpService::send(int socket) {
  worker_.counters.add(Counter::tx_refused, batch_.send(socket));
}

} // namespace anytick::io
