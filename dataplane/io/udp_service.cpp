#include "dataplane/io/udp_service.h"

#include "dataplane/io/wall_clock.h"

namespace anytick::io {

using core::Counter;
using core::Service;

namespace {

/// Nanoseconds. A stamp that is not of the last second is none, or of the clock as it was before a step.
uint64_t waited(int64_t stamp, int64_t now) {
  constexpr int64_t second = 1'000'000'000;
  return stamp <= now && now - stamp < second ? static_cast<uint64_t>(now - stamp) : 0;
}

} // namespace

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
    worker_.waited = core::ntp_duration(waited(batch_.received(i), worker_.wall.realtime));
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
