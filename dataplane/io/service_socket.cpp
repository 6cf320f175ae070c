#include "dataplane/io/service_socket.h"

#include <cassert>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>

#include "geo/text.h"

namespace anytick::io {
namespace {

// Bounds what a connection can pin in the kernel (which doubles them): room for one answer of any size, and for some
// hundred pipelined queries.
constexpr int tcp_send_buffer = 64 << 10;
constexpr int tcp_receive_buffer = 16 << 10;

struct Option {
  int level;
  int name;
  int value;
};

Refusal errno_refusal(const Endpoint& at, std::string_view kind, std::string_view step) {
  return {fmt::format("{} {} port {}", kind, geo::to_text(at.address), at.port), "",
          fmt::format("{}: {}", step, std::strerror(errno))};
}

bool set_options(int fd, std::initializer_list<Option> options) {
  for (const Option& option : options)
    if (::setsockopt(fd, option.level, option.name, &option.value, sizeof option.value) != 0) return false;
  return true;
}

/// What both protocols have in common.
bool set_address_options(int fd, geo::Family family) {
  if (family == geo::Family::ipv4) return set_options(fd, {{IPPROTO_IP, IP_FREEBIND, 1}});
  return set_options(fd, {{IPPROTO_IPV6, IPV6_V6ONLY, 1}, {IPPROTO_IPV6, IPV6_FREEBIND, 1}});
}

/// Replies fit every path. A path MTU that anybody may claim by ICMP is not worth believing.
bool ignore_path_mtu(int fd, geo::Family family) {
  if (family == geo::Family::ipv4) return set_options(fd, {{IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT}});
  return set_options(fd, {{IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT}});
}

int domain_of(const Endpoint& at) {
  return at.address.family == geo::Family::ipv4 ? AF_INET : AF_INET6;
}

bool bind_to(int fd, const Endpoint& at) {
  sockaddr_storage address;
  const socklen_t size = to_sockaddr(at, address);
  return ::bind(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0;
}

Result<FileDescriptor> open_datagram_socket(const Endpoint& at, std::initializer_list<Option> options) {
  FileDescriptor socket(::socket(domain_of(at), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return errno_refusal(at, "UDP", "socket");
  const geo::Family family = at.address.family;
  if (!set_address_options(socket.get(), family) || !ignore_path_mtu(socket.get(), family) ||
      !set_options(socket.get(), options))
    return errno_refusal(at, "UDP", "setsockopt");
  if (!bind_to(socket.get(), at)) return errno_refusal(at, "UDP", "bind");
  return socket;
}

} // namespace

std::optional<Endpoint> parse_endpoint(const std::string& text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  std::string host = text.substr(0, colon);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto address = geo::parse_address(host);
  const uint16_t port = geo::number_of<uint16_t>(std::string_view(text).substr(colon + 1)).value_or(0);
  if (!address || bracketed != (address->family == geo::Family::ipv6) || port == 0) return std::nullopt;
  return Endpoint{*address, port};
}

std::string to_text(const Endpoint& at) {
  const std::string address = geo::to_text(at.address);
  return at.address.family == geo::Family::ipv4 ? fmt::format("{}:{}", address, at.port)
                                                : fmt::format("[{}]:{}", address, at.port);
}

Result<FileDescriptor> open_udp_socket(const Endpoint& at) {
  return open_datagram_socket(at, {});
}

Result<FileDescriptor> open_ntp_socket(const Endpoint& at) {
  return open_datagram_socket(at, {{SOL_SOCKET, SO_REUSEADDR, 1}, {SOL_SOCKET, SO_TIMESTAMPNS, 1}});
}

Result<FileDescriptor> open_tcp_socket(const Endpoint& at, unsigned backlog) {
  FileDescriptor socket(::socket(domain_of(at), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return errno_refusal(at, "TCP", "socket");
  // Connections of the daemon before this one may linger at the address.
  if (!set_address_options(socket.get(), at.address.family) ||
      !set_options(socket.get(), {{SOL_SOCKET, SO_REUSEADDR, 1},
                                  {SOL_SOCKET, SO_SNDBUF, tcp_send_buffer},
                                  {SOL_SOCKET, SO_RCVBUF, tcp_receive_buffer},
                                  {IPPROTO_TCP, TCP_NODELAY, 1}}))
    return errno_refusal(at, "TCP", "setsockopt");
  if (!bind_to(socket.get(), at)) return errno_refusal(at, "TCP", "bind");
  if (::listen(socket.get(), static_cast<int>(backlog)) != 0) return errno_refusal(at, "TCP", "listen");
  return socket;
}

Endpoint bound_endpoint(const FileDescriptor& socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  [[maybe_unused]] const int failed = ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
  assert(failed == 0);
  return endpoint_of(address);
}

Endpoint endpoint_of(const sockaddr_storage& address) {
  Endpoint endpoint;
  if (address.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(address);
    std::memcpy(endpoint.address.bytes.data(), &in.sin_addr, sizeof in.sin_addr);
    endpoint.port = ntohs(in.sin_port);
  } else {
    assert(address.ss_family == AF_INET6);
    const auto& in = reinterpret_cast<const sockaddr_in6&>(address);
    endpoint.address.family = geo::Family::ipv6;
    std::memcpy(endpoint.address.bytes.data(), &in.sin6_addr, sizeof in.sin6_addr);
    endpoint.port = ntohs(in.sin6_port);
  }
  return endpoint;
}

socklen_t to_sockaddr(const Endpoint& at, sockaddr_storage& out) {
  out = {};
  if (at.address.family == geo::Family::ipv4) {
    auto& in = reinterpret_cast<sockaddr_in&>(out);
    in.sin_family = AF_INET;
    in.sin_port = htons(at.port);
    std::memcpy(&in.sin_addr, at.address.bytes.data(), sizeof in.sin_addr);
    return sizeof in;
  }
  auto& in = reinterpret_cast<sockaddr_in6&>(out);
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(at.port);
  std::memcpy(&in.sin6_addr, at.address.bytes.data(), sizeof in.sin6_addr);
  return sizeof in;
}

sockaddr_un to_sockaddr(const std::filesystem::path& path) {
  assert(path.native().size() <= socket_path_max);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.native().copy(address.sun_path, socket_path_max);
  return address;
}

std::optional<Refusal> allow_open_files(uint64_t count) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return Refusal{"RLIMIT_NOFILE", "", std::strerror(errno)};
  if (limit.rlim_cur >= count) return std::nullopt;
  const rlim_t hard = limit.rlim_max;
  limit.rlim_cur = count;
  if (hard < count) limit.rlim_max = count; // for root only
  if (::setrlimit(RLIMIT_NOFILE, &limit) == 0) return std::nullopt;
  return Refusal{"RLIMIT_NOFILE", "",
                 fmt::format("{} open files are needed, {} allowed: {}", count, hard, std::strerror(errno))};
}

} // namespace anytick::io
