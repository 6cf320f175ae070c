#include "dataplane/io/control_acceptor.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

namespace anytick::io {
namespace {

constexpr int backlog = 128;
// Until files are asked for again.
constexpr std::chrono::milliseconds files_pause{100};
constexpr unsigned ipv6_source_bits = 48;

Refusal errno_refusal(std::string what) {
  return {std::move(what), "", std::strerror(errno)};
}

/// Whose share of places one counts to.
geo::Address source_of(const geo::Address& client) {
  const geo::Address own = geo::unmapped(client);
  return own.family == geo::Family::ipv4 ? own : geo::prefix_of(own, ipv6_source_bits).address;
}

/// Makes the way free for the socket: nothing there, or a socket that a dead daemon left.
std::optional<Refusal> clear_socket(const std::filesystem::path& path, const sockaddr_un& address) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return std::nullopt;
  if (!S_ISSOCK(status.st_mode)) return Refusal{path.string(), "", "is there and is no socket"};
  const FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
    return Refusal{path.string(), "", "another process listens on it"};
  if (::unlink(path.c_str()) != 0) return errno_refusal(path.string());
  return std::nullopt;
}

Result<FileDescriptor> open_local(const std::filesystem::path& path) {
  if (path.native().size() > socket_path_max)
    return Refusal{path.string(), "", fmt::format("longer than {} bytes", socket_path_max)};
  const sockaddr_un address = to_sockaddr(path);
  if (auto refusal = clear_socket(path, address)) return std::move(*refusal);
  FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return errno_refusal(path.string());
  // From its first moment on, the socket is not for everyone: mode 0660.
  const mode_t mask = ::umask(0117);
  const bool bound = ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::umask(mask);
  if (!bound || ::listen(socket.get(), backlog) != 0) return errno_refusal(path.string());
  return socket;
}

bool set_option(int fd, int level, int name, int value) {
  return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

/// Connections inherit its options. All addresses of IPv6, [::], are those of IPv4, too.
Result<FileDescriptor> open_remote(const Endpoint& at, std::chrono::milliseconds patience) {
  sockaddr_storage address;
  const socklen_t size = to_sockaddr(at, address);
  FileDescriptor socket(::socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int fd = socket.get();
  const bool listens = socket.is_open() && set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) &&
                       set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1) &&
                       set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(patience.count())) &&
                       (address.ss_family == AF_INET || set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0)) &&
                       ::bind(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0 && ::listen(fd, backlog) == 0;
  if (!listens) return errno_refusal("control_tls.listen: " + to_text(at));
  return socket;
}

} // namespace

Result<std::unique_ptr<ControlAcceptor>> ControlAcceptor::open(const std::filesystem::path& local,
                                                               const std::vector<Endpoint>& remote,
                                                               const ControlPlaces& places,
                                                               std::chrono::milliseconds patience) {
  Result<FileDescriptor> socket = open_local(local);
  if (!socket) return socket.refusal();
  std::unique_ptr<ControlAcceptor> acceptor(new ControlAcceptor(local, places));
  acceptor->stop_.fd = FileDescriptor(::eventfd(0, EFD_CLOEXEC));
  if (!acceptor->stop_.fd.is_open() || !acceptor->poller_.add(acceptor->stop_.fd.get(), EPOLLIN, acceptor->stop_))
    return errno_refusal("control");
  if (auto refusal = acceptor->listen(std::move(*socket), true)) return std::move(*refusal);
  for (const Endpoint& at : remote) {
    Result<FileDescriptor> listener = open_remote(at, patience);
    if (!listener) return listener.refusal();
    if (auto refusal = acceptor->listen(std::move(*listener), false)) return std::move(*refusal);
  }
  return acceptor;
}

ControlAcceptor::~ControlAcceptor() {
  if (thread_.joinable()) {
    ::eventfd_write(stop_.fd.get(), 1);
    thread_.join();
  }
  ::unlink(path_.c_str());
}

void ControlAcceptor::start(Taker local, Taker remote) {
  take_local_ = std::move(local);
  take_remote_ = std::move(remote);
  thread_ = std::thread([this] { run(); });
}

std::vector<int> ControlAcceptor::ports() const {
  std::vector<int> ports;
  for (const auto& listener : listeners_)
    if (!listener->local) ports.push_back(bound_endpoint(listener->fd).port);
  return ports;
}

std::optional<Refusal> ControlAcceptor::listen(FileDescriptor fd, bool local) {
  Listener& listener =
      *listeners_.emplace_back(std::make_unique<Listener>(Listener{{Watched::Kind::listener}, std::move(fd), local}));
  if (poller_.add(listener.fd.get(), EPOLLIN, listener)) return std::nullopt;
  return errno_refusal("control");
}

void ControlAcceptor::run() {
  std::vector<const Listener*> ready;
  while (true) {
    ready.clear();
    const auto events = poller_.wait(waits_until_ ? files_pause : std::chrono::milliseconds(-1));
    if (waits_until_ && *waits_until_ <= Clock::now()) let_wait(false);
    for (const epoll_event& event : events) {
      Watched& watched = *static_cast<Watched*>(event.data.ptr);
      if (watched.kind == Watched::Kind::stop) return;
      if (watched.kind == Watched::Kind::connection)
        forget(static_cast<Connection&>(watched));
      else
        ready.push_back(static_cast<const Listener*>(&watched));
    }
    // After the ends, whose places are free for newcomers; and a newcomer may end a connection that an event is about.
    for (const Listener* listener : ready) accept(*listener);
  }
}

/// One of them: then it is the turn of the others.
void ControlAcceptor::accept(const Listener& listener) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  FileDescriptor socket(
      ::accept4(listener.fd.get(), reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (socket.is_open()) {
    take(std::move(socket), listener.local ? std::nullopt : std::optional(source_of(endpoint_of(address).address)));
  } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
    seldom_.warn(fmt::format("control: clients have to wait: {}", std::strerror(errno)));
    let_wait(true);
  } // else it was the fault of a connection that is gone by now (accept(2))
}

void ControlAcceptor::take(FileDescriptor socket, const std::optional<geo::Address>& source) {
  if (source ? !make_place_for(*source) : connections_.size() - remote_ >= places_.local)
    return seldom_.warn(fmt::format("control: a client is refused, {}: all its places are taken",
                                    source ? geo::to_text(*source) : "by the Unix socket"));
  // Its taker closes a file that we could not tell from the next one of that number; this one is ours.
  FileDescriptor same(::fcntl(socket.get(), F_DUPFD_CLOEXEC, 0));
  if (!same.is_open()) return seldom_.warn(fmt::format("control: a client is refused: {}", std::strerror(errno)));
  Connection& connection =
      connections_.emplace_back(Connection{{Watched::Kind::connection}, std::move(same), source, {}});
  connection.self = std::prev(connections_.end());
  if (source) {
    ++of_source_[*source];
    ++remote_;
  }
  // EPOLLHUP is told in any case, and only once both directions are shut down.
  if (!poller_.add(connection.fd.get(), 0, connection)) return forget(connection);
  (source ? take_remote_ : take_local_)(std::move(socket));
}

/// Perhaps as another source gives way.
bool ControlAcceptor::make_place_for(const geo::Address& source) {
  const auto own = of_source_.find(source);
  const unsigned has = own == of_source_.end() ? 0 : own->second;
  if (has >= places_.per_source) return false;
  if (remote_ < places_.remote) return true;
  const auto most = std::ranges::max_element(of_source_, {}, [](const auto& entry) { return entry.second; });
  if (most == of_source_.end() || most->second <= has + 1) return false;
  const auto oldest = std::ranges::find(connections_, std::optional(most->first), &Connection::source);
  seldom_.warn(fmt::format("control: all {} places by TCP are taken: {}, which has {}, gives way", places_.remote,
                           geo::to_text(most->first), most->second));
  ::shutdown(oldest->fd.get(), SHUT_RDWR);
  forget(*oldest);
  return true;
}

void ControlAcceptor::forget(Connection& connection) {
  if (connection.source) {
    const auto share = of_source_.find(*connection.source);
    if (--share->second == 0) of_source_.erase(share);
    --remote_;
  }
  poller_.remove(connection.fd.get());
  connections_.erase(connection.self);
}

/// Clients may wait in the kernel; asking for them again and again would not help.
void ControlAcceptor::let_wait(bool waiting) {
  waits_until_ = waiting ? std::optional(Clock::now() + files_pause) : std::nullopt;
  for (const auto& listener : listeners_)
    poller_.change(listener->fd.get(), waiting ? 0 : uint32_t{EPOLLIN}, *listener);
}

} // namespace anytick::io
