#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <utility>

#include "dataplane/config.h"
#include "dataplane/io/poller.h"
#include "dataplane/io/tcp_connection.h"

namespace anytick::io {

/// All TCP connections of the sockets thread, and the bounds of what they may take together.
///
/// A source (an IPv4 address or IPv6 /64) that has its share of connections is refused another: what it needs it can
/// ask over those. When all places are taken, a newcomer gets that of the least recently active connection, whether it
/// is idle or stuck within a query or an answer: nobody can lock others out by holding connections. When the buffers of
/// all are together at their bound, the connection that wants more is closed; one that asks and takes whole messages
/// needs none.
///
/// An idle connection costs less than 256 bytes, and less than 96 more if it is its source's only one. Not thread-safe.
class TcpService {
 public:
  TcpService(const SocketsConfig& config, Poller& poller, core::WorkerState& worker);

  /// Takes connections that wait at a listening socket, a bounded number. False if the system has no resources for
  /// more, so that they have to wait.
  bool accept(int listener, Clock::time_point now);
  /// For an event of the poller. The connection may be gone afterwards.
  void serve(Watched& watched, const core::View& view, Clock::time_point now);
  /// Closes those whose time is over.
  void expire(Clock::time_point now);

  size_t connections() const { return places_.size(); }
  size_t buffered() const { return buffered_; } ///< bytes of all connections' buffers

 private:
  struct Place : Watched {
    Place(FileDescriptor socket, const geo::Address& client, Clock::time_point now)
        : Watched{Kind::connection}, connection(std::move(socket), client, now) {}

    TcpConnection connection;
    TcpConnection::State state = TcpConnection::State::readable;
    size_t buffered = 0; ///< bytes, as far as they are in the sum
    std::list<Place>::iterator self;
  };

  void take(FileDescriptor socket, const geo::Address& client, Clock::time_point now);
  void close(Place& place);

  const SocketsConfig config_;
  const TcpPatience patience_;
  Poller& poller_;
  core::WorkerState& worker_;
  std::list<Place> places_; ///< the least recently active first
  std::map<geo::Address, uint32_t> of_source_;
  size_t buffered_ = 0;
  std::unique_ptr<TcpScratch> scratch_;
};

} // namespace anytick::io
