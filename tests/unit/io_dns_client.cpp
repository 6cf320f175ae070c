#include "tests/unit/io_dns_client.h"

#include <cerrno>
#include <system_error>

#include <netinet/in.h>

#include "dataplane/core/bytes.h"

namespace anytick::io {
namespace {

void check(bool done, const char* step) {
  if (!done) throw std::system_error(errno, std::generic_category(), step);
}

void bind_to(int fd, const Endpoint& source) {
  const int yes = 1;
  // The tests' clients may be at addresses that the kernel only routes to itself.
  const bool ipv4 = source.address.family == geo::Family::ipv4;
  check(::setsockopt(fd, ipv4 ? IPPROTO_IP : IPPROTO_IPV6, ipv4 ? IP_FREEBIND : IPV6_FREEBIND, &yes, sizeof yes) == 0,
        "setsockopt");
  sockaddr_storage address;
  const socklen_t size = to_sockaddr(source, address);
  check(::bind(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0, "bind");
}

} // namespace

Bytes framed(const Bytes& message) {
  Bytes bytes{static_cast<uint8_t>(message.size() >> 8), static_cast<uint8_t>(message.size())};
  bytes.insert(bytes.end(), message.begin(), message.end());
  return bytes;
}

Bytes joined(const std::vector<Bytes>& parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

DnsClient::DnsClient(Protocol protocol, const Endpoint& service, std::string_view source)
    : protocol_(protocol), socket_(::socket(service.address.family == geo::Family::ipv4 ? AF_INET : AF_INET6,
                                            (protocol == Protocol::udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0)) {
  check(socket_.is_open(), "socket");
  const timeval patience{10, 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (!source.empty()) bind_to(socket_.get(), {geo::parse_address(source).value(), 0});
  sockaddr_storage address;
  const socklen_t size = to_sockaddr(service, address);
  check(::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0, "connect");
}

bool DnsClient::send(const Bytes& bytes) const {
  size_t at = 0;
  do { // once for an empty datagram
    const ssize_t count = ::send(socket_.get(), bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
    if (count < 0) return false;
    at += static_cast<size_t>(count);
  } while (at < bytes.size());
  return true;
}

void DnsClient::set_option(int level, int name, const Bytes& value) const {
  check(::setsockopt(socket_.get(), level, name, value.data(), static_cast<socklen_t>(value.size())) == 0,
        "setsockopt");
}

void DnsClient::shut_down() const {
  check(::shutdown(socket_.get(), SHUT_WR) == 0, "shutdown");
}

Bytes DnsClient::receive(size_t most) const {
  Bytes bytes(most);
  const ssize_t count = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
  bytes.resize(count > 0 ? static_cast<size_t>(count) : 0);
  return bytes;
}

Bytes DnsClient::receive_exactly(size_t count) const {
  Bytes bytes;
  while (bytes.size() < count) {
    const Bytes more = receive(count - bytes.size());
    if (more.empty()) break;
    bytes.insert(bytes.end(), more.begin(), more.end());
  }
  return bytes;
}

std::optional<Bytes> DnsClient::receive_message() const {
  if (protocol_ == Protocol::udp) {
    Bytes datagram = receive(65'535);
    return datagram.empty() ? std::nullopt : std::optional(std::move(datagram));
  }
  const Bytes length = receive_exactly(2);
  if (length.size() < 2) return std::nullopt;
  Bytes message = receive_exactly(core::load_big16(length.data()));
  if (message.size() < core::load_big16(length.data())) return std::nullopt;
  return message;
}

bool DnsClient::is_closed() const {
  uint8_t byte = 0;
  const ssize_t count = ::recv(socket_.get(), &byte, 1, 0);
  return count == 0 || (count < 0 && errno == ECONNRESET);
}

} // namespace anytick::io
