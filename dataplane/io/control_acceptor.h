#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "dataplane/io/poller.h"
#include "dataplane/io/seldom.h"
#include "dataplane/io/service_socket.h"

namespace anytick::io {

/// Of connections to control, open at a time.
struct ControlPlaces {
  unsigned remote = 128;    ///< by TCP
  unsigned per_source = 16; ///< of those, from an IPv4 address or IPv6 /48
  unsigned local = 64;      ///< by the Unix socket

  /// Files that they need.
  constexpr uint64_t files() const { return 2 * (uint64_t{remote} + local); }
};

/// The sockets where control listens, and who is connected to them. gRPC would bound neither all connections nor those
/// of a source, and would never listen again after a moment without files. One thread, from start() to destruction; it
/// inherits the cores of who starts it.
///
/// Where all places are taken, who comes from elsewhere gets one of the source that has the most: to keep others away
/// takes as many sources as there are places.
class ControlAcceptor {
 public:
  /// Is given a connection that does not block. It is over, and its place free, when shutdown(2) was called or the peer
  /// reset it.
  using Taker = std::function<void(FileDescriptor connection)>;

  /// Listens on a Unix socket, which the owner and the group may use, in a directory that is there, and at `remote`.
  /// Replaces a socket that nobody listens on. `patience` is for what was sent by TCP and is not acknowledged.
  static Result<std::unique_ptr<ControlAcceptor>> open(const std::filesystem::path& local,
                                                       const std::vector<Endpoint>& remote, const ControlPlaces& places,
                                                       std::chrono::milliseconds patience);
  ControlAcceptor(const ControlAcceptor&) = delete;
  ControlAcceptor& operator=(const ControlAcceptor&) = delete;
  /// Nobody listens any more; connections stay with who took them.
  ~ControlAcceptor();

  void start(Taker local, Taker remote);

  /// Of each of `remote`, in order.
  std::vector<int> ports() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Listener : Watched {
    FileDescriptor fd;
    bool local;
  };
  struct Connection : Watched {
    FileDescriptor fd;                  ///< another one than its taker's, of the same connection
    std::optional<geo::Address> source; ///< nothing: local
    std::list<Connection>::iterator self;
  };

  ControlAcceptor(std::filesystem::path path, const ControlPlaces& places)
      : path_(std::move(path)), places_(places), stop_{{Watched::Kind::stop}, FileDescriptor(), true} {}

  std::optional<Refusal> listen(FileDescriptor fd, bool local);
  void run();
  void accept(const Listener& listener);
  void take(FileDescriptor socket, const std::optional<geo::Address>& source);
  bool make_place_for(const geo::Address& source);
  void forget(Connection& connection);
  void let_wait(bool waiting);

  const std::filesystem::path path_;
  const ControlPlaces places_;
  Taker take_local_;
  Taker take_remote_;
  Poller poller_;
  Listener stop_; ///< an eventfd
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::list<Connection> connections_; ///< the oldest first
  std::map<geo::Address, unsigned> of_source_;
  unsigned remote_ = 0;
  std::optional<Clock::time_point> waits_until_; ///< for files
  Seldom seldom_;
  std::thread thread_;
};

} // namespace anytick::io
