#include "dataplane/io/tcp_service.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <sys/socket.h>

#include "dataplane/io/service_socket.h"

namespace anytick::io {
namespace {

using core::Counter;
using State = TcpConnection::State;

// Then those that are connected already have their turn.
constexpr int accepts_in_a_row = 64;

/// Whose share of connections one counts to: a household or a server has a whole /64.
geo::Address source_of(const geo::Address& client) {
  return client.family == geo::Family::ipv4 ? client : geo::prefix_of(client, 64).address;
}

uint32_t events_of(State state) {
  return state == State::writable ? EPOLLOUT : EPOLLIN;
}

} // namespace

TcpService::TcpService(const SocketsConfig& config, Poller& poller, core::WorkerState& worker)
    : config_(config), patience_{config.idle, config.message, config.total}, poller_(poller), worker_(worker),
      scratch_(std::make_unique<TcpScratch>()) {}

bool TcpService::accept(int listener, Clock::time_point now) {
  for (int i = 0; i < accepts_in_a_row; ++i) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    FileDescriptor socket(
        ::accept4(listener, reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket.is_open()) {
      take(std::move(socket), endpoint_of(address).address, now);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      return false;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return true;
    } // else it was the fault of a connection that is gone by now (accept(2))
  }
  return true;
}

void TcpService::take(FileDescriptor socket, const geo::Address& client, Clock::time_point now) {
  const geo::Address source = source_of(client);
  const auto share = of_source_.find(source);
  if (share != of_source_.end() && share->second >= config_.tcp_per_source) {
    worker_.counters.add(Counter::tcp_refused);
    return;
  }
  if (places_.size() >= config_.tcp_connections) {
    worker_.counters.add(Counter::tcp_evicted);
    close(places_.front());
  }
  Place& place = places_.emplace_back(std::move(socket), client, now);
  place.self = std::prev(places_.end());
  ++of_source_[source];
  worker_.counters.add(Counter::tcp_accepted);
  if (!poller_.add(place.connection.socket(), EPOLLIN, place)) close(place);
}

void TcpService::serve(Watched& watched, const core::View& view, Clock::time_point now) {
  Place& place = static_cast<Place&>(watched);
  const State state = place.connection.serve(view, worker_, *scratch_, now);
  buffered_ += place.connection.buffered() - place.buffered;
  const bool grew = place.connection.buffered() > place.buffered;
  place.buffered = place.connection.buffered();
  if (grew && buffered_ > config_.tcp_buffer_bytes) {
    worker_.counters.add(Counter::tcp_evicted);
    return close(place);
  }
  if (state == State::over) return close(place);
  if (place.connection.active() == now) places_.splice(places_.end(), places_, place.self);
  if (state == place.state) return;
  place.state = state;
  poller_.change(place.connection.socket(), events_of(state), place);
}

void TcpService::expire(Clock::time_point now) {
  for (auto next = places_.begin(); next != places_.end();) {
    Place& place = *next++;
    if (place.connection.deadline(patience_) > now) continue;
    worker_.counters.add(Counter::tcp_timed_out);
    close(place);
  }
}

void TcpService::close(Place& place) {
  worker_.counters.add(Counter::tcp_closed);
  buffered_ -= place.buffered;
  const auto share = of_source_.find(source_of(place.connection.client()));
  if (--share->second == 0) of_source_.erase(share);
  places_.erase(place.self);
}

} // namespace anytick::io
