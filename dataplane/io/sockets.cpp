#include "dataplane/io/sockets.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <sys/eventfd.h>

#include "dataplane/io/control_acceptor.h"

namespace anytick::io {

Result<std::unique_ptr<Sockets>> Sockets::open(const SocketsConfig& config, const std::vector<geo::Address>& addresses,
                                               const SocketPorts& ports, Tables& tables, unsigned id, uint64_t seed,
                                               const ThreadResources& resources) {
  if (auto refusal =
          allow_open_files(config.tcp_connections + 3 * addresses.size() + ControlPlaces().files() + other_files)) {
    refusal->what = "sockets.tcp_connections: " + refusal->what;
    return std::move(*refusal);
  }
  std::unique_ptr<Sockets> sockets(new Sockets(config, tables, id, seed, resources));
  if (auto refusal = sockets->watch(FileDescriptor(::eventfd(0, EFD_CLOEXEC)), Watched::Kind::stop))
    return std::move(*refusal);
  for (const geo::Address& address : addresses)
    if (auto refusal = sockets->open_at(address, ports, config.tcp_backlog)) return std::move(*refusal);
  return sockets;
}

std::optional<Refusal> Sockets::open_at(const geo::Address& address, const SocketPorts& ports, unsigned backlog) {
  const auto take = [this](Result<FileDescriptor> socket, Watched::Kind kind) {
    return socket ? watch(std::move(*socket), kind) : std::optional<Refusal>(socket.refusal());
  };
  if (auto refusal = take(open_udp_socket({address, ports.dns}), Watched::Kind::dns)) return refusal;
  if (auto refusal = take(open_tcp_socket({address, ports.dns}, backlog), Watched::Kind::listener)) return refusal;
  return ports.ntp ? take(open_ntp_socket({address, *ports.ntp}), Watched::Kind::ntp) : std::nullopt;
}

Sockets::Sockets(const SocketsConfig& config, Tables& tables, unsigned id, uint64_t seed,
                 const ThreadResources& resources)
    : expire_every_(std::chrono::milliseconds(std::min({config.idle, config.message, config.total})) / 10),
      tables_(tables), id_(id), clock_(resources.clock), state_(seed, id), udp_(state_), tcp_(config, poller_, state_) {
  resources.give_to(state_);
}

Sockets::~Sockets() {
  if (!thread_.joinable()) return;
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(sockets_.front()->fd.get(), &one, sizeof one);
  thread_.join();
}

void Sockets::start() {
  thread_ = std::thread([this] { run(); });
}

std::optional<Refusal> Sockets::watch(FileDescriptor fd, Watched::Kind kind) {
  Socket& socket = *sockets_.emplace_back(std::make_unique<Socket>(Socket{{kind}, std::move(fd)}));
  if (socket.fd.is_open() && poller_.add(socket.fd.get(), EPOLLIN, socket)) return std::nullopt;
  return Refusal{"sockets", "", std::strerror(errno)};
}

std::vector<Endpoint> Sockets::endpoints(Watched::Kind kind) const {
  std::vector<Endpoint> found;
  for (const auto& socket : sockets_)
    if (socket->kind == kind) found.push_back(bound_endpoint(socket->fd));
  return found;
}

void Sockets::run() {
  TableReader reader(tables_, id_);
  bool stopped = false;
  while (!stopped) {
    reader.offline();
    expire();
    const bool timed = tcp_.connections() > 0 || listeners_wait_;
    const auto events = poller_.wait(timed ? expire_every_ : std::chrono::milliseconds(-1));
    reader.online();
    stopped = serve(events, reader);
  }
}

/// Whether it is time to stop. Each event is answered from one generation; a new one need not wait for all of them.
bool Sockets::serve(std::span<const epoll_event> events, TableReader& reader) {
  const Clock::time_point now = Clock::now();
  clock_.read(state_);
  bool stop = false;
  for (const epoll_event& event : events) {
    Watched& watched = *static_cast<Watched*>(event.data.ptr);
    switch (watched.kind) {
    case Watched::Kind::stop:
      stop = true;
      break;
    case Watched::Kind::dns:
      udp_.serve_dns(static_cast<Socket&>(watched).fd.get(), reader.view());
      break;
    case Watched::Kind::ntp:
      udp_.serve_ntp(static_cast<Socket&>(watched).fd.get());
      break;
    case Watched::Kind::connection:
      tcp_.serve(watched, reader.view(), now);
      break;
    case Watched::Kind::listener:
      listeners_ready_.push_back(static_cast<Socket*>(&watched));
      break;
    }
    reader.quiescent();
  }
  accept(now);
  return stop;
}

/// Last of all events, since a newcomer may close a connection that another event is about.
void Sockets::accept(Clock::time_point now) {
  for (Socket* listener : std::exchange(listeners_ready_, {}))
    if (!tcp_.accept(listener->fd.get(), now)) let_wait(true);
}

/// Clients may wait in the kernel; asking for them again and again would not help.
void Sockets::let_wait(bool waiting) {
  listeners_wait_ = waiting;
  const uint32_t events = waiting ? 0 : uint32_t{EPOLLIN};
  for (const auto& socket : sockets_)
    if (socket->kind == Watched::Kind::listener) poller_.change(socket->fd.get(), events, *socket);
}

void Sockets::expire() {
  const Clock::time_point now = Clock::now();
  if (now - expired_ < expire_every_) return;
  expired_ = now;
  tcp_.expire(now);
  if (listeners_wait_) let_wait(false);
}

} // namespace anytick::io
