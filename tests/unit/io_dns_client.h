#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "dataplane/io/file_descriptor.h"
#include "dataplane/io/service_socket.h"

/// DNS clients on real sockets. What does not come within ten seconds does not come.
namespace anytick::io {

using Bytes = std::vector<uint8_t>;

/// The message with its length in front (RFC 1035 4.2.2).
Bytes framed(const Bytes& message);
Bytes joined(const std::vector<Bytes>& parts);

/// A socket of the client address `source` ("" for any), connected to the service. Throws std::system_error.
class DnsClient {
 public:
  enum class Protocol : uint8_t { udp, tcp };

  DnsClient(Protocol protocol, const Endpoint& service, std::string_view source = "");

  /// All of it, a datagram at once; false when the service closed the connection.
  bool send(const Bytes& bytes) const;
  void set_option(int level, int name, const Bytes& value) const; ///< setsockopt; throws std::system_error
  void shut_down() const;                                         ///< nothing more is sent
  /// At most so many bytes; none when the service closed the connection or nothing came.
  Bytes receive(size_t most) const;
  /// A datagram, or over TCP a message without its length; nothing when the service closed the connection.
  std::optional<Bytes> receive_message() const;
  /// Whether the service closed the connection, with nothing before that.
  bool is_closed() const;

 private:
  Bytes receive_exactly(size_t count) const;

  Protocol protocol_;
  FileDescriptor socket_;
};

} // namespace anytick::io
