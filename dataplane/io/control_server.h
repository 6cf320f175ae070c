#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include <grpcpp/grpcpp.h>

#include "dataplane/config.h"
#include "geo/refusal.h"

namespace anytick::io {

/// The gRPC server on a Unix socket that the owner and the group may use, and where it is told so by TCP with mutual
/// TLS, until destruction.
class ControlServer {
 public:
  /// Creates the socket's directory; replaces a socket that nobody listens on. `service` outlives the server. The
  /// caller is on the cores where control belongs.
  static Result<std::unique_ptr<ControlServer>> start(const std::filesystem::path& socket, grpc::Service& service,
                                                      const ControlTlsConfig& tls = {});
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;
  /// Calls that do not end within a second are cancelled.
  ~ControlServer();

  /// Of each of `tls.listen`, in order; 0 stands there for one that is free.
  const std::vector<int>& tls_ports() const { return tls_ports_; }

 private:
  ControlServer(std::unique_ptr<grpc::Server> server, std::vector<int> tls_ports)
      : server_(std::move(server)), tls_ports_(std::move(tls_ports)) {}

  std::unique_ptr<grpc::Server> server_;
  std::vector<int> tls_ports_;
};

} // namespace anytick::io
