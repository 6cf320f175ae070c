#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include <sys/socket.h>
#include <sys/un.h>

#include "dataplane/io/file_descriptor.h"
#include "geo/prefix.h"
#include "geo/refusal.h"

/// Ordinary sockets at service addresses. They can be bound before the kernel has the address (IP_FREEBIND), one to
/// each address, so that replies come from where they were asked.
namespace anytick::io {

struct Endpoint {
  geo::Address address;
  uint16_t port = 0; ///< host order

  bool operator==(const Endpoint&) const = default;
};

/// "192.0.2.1:53" or "[2001:db8::1]:53"; nothing for anything else, and for port 0.
std::optional<Endpoint> parse_endpoint(const std::string& text);
std::string to_text(const Endpoint& at);

Result<FileDescriptor> open_udp_socket(const Endpoint& at);
/// UDP, of which the kernel says when datagrams came (SO_TIMESTAMPNS). A time daemon that listens at all addresses of
/// the machine may keep its socket.
Result<FileDescriptor> open_ntp_socket(const Endpoint& at);
/// Listens. Connections inherit its options: no delay of small answers, and small kernel buffers.
Result<FileDescriptor> open_tcp_socket(const Endpoint& at, unsigned backlog);

/// Where a socket is bound; the way to learn a port that the kernel chose. Precondition: an IPv4 or IPv6 socket.
Endpoint bound_endpoint(const FileDescriptor& socket);
/// Precondition: the kernel filled it in, for an IPv4 or IPv6 socket.
Endpoint endpoint_of(const sockaddr_storage& address);

/// Writes the kernel's form of an endpoint; returns its size in bytes.
socklen_t to_sockaddr(const Endpoint& at, sockaddr_storage& out);

/// Of the path of a Unix socket, in bytes.
inline constexpr size_t socket_path_max = sizeof(sockaddr_un::sun_path) - 1;
/// Precondition: the path has at most socket_path_max bytes.
sockaddr_un to_sockaddr(const std::filesystem::path& path);

/// Beside connections: of tables, ports, gRPC and the log.
inline constexpr uint64_t other_files = 512;
/// Raises the process's limit so that it can have `count` open files, or says why not.
std::optional<Refusal> allow_open_files(uint64_t count);

} // namespace anytick::io
