#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <vector>

#include <grpcpp/grpcpp.h>

#include "dataplane/config.h"
#include "dataplane/io/control_acceptor.h"
#include "geo/refusal.h"

namespace anytick::io {

/// Anybody may come by TCP, and a client may go without a word.
struct ControlBounds {
  ControlPlaces places = {};
  std::chrono::milliseconds handshake{10'000};       ///< from the connection to HTTP/2's first word
  std::chrono::milliseconds keepalive{60'000};       ///< without a word, until a client is asked whether it is there
  std::chrono::milliseconds keepalive_reply{20'000}; ///< that its answer may take
  std::chrono::milliseconds idle{300'000};           ///< that a connection stays without a call
};

/// The gRPC server on a Unix socket that the owner and the group may use, and where it is told so by TCP with mutual
/// TLS, until destruction.
class ControlServer {
 public:
  /// Creates the socket's directory; replaces a socket that nobody listens on. `service` outlives the server. The
  /// caller is on the cores where control belongs.
  static Result<std::unique_ptr<ControlServer>> start(const std::filesystem::path& socket, grpc::Service& service,
                                                      const ControlTlsConfig& tls = {},
                                                      const ControlBounds& bounds = {});
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;
  /// Calls that do not end within a second are cancelled.
  ~ControlServer();

  /// Of each of `tls.listen`, in order; the kernel's choice where that has 0.
  const std::vector<int>& tls_ports() const { return tls_ports_; }

 private:
  using Acceptor = std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor>;

  ControlServer(std::unique_ptr<ControlAcceptor> connections, std::unique_ptr<grpc::Server> server, Acceptor local,
                Acceptor remote);

  std::vector<int> tls_ports_;
  std::unique_ptr<grpc::Server> server_;
  Acceptor local_;
  Acceptor remote_; ///< null: control by the Unix socket only
  std::unique_ptr<ControlAcceptor> connections_;
};

} // namespace anytick::io
