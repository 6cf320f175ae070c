#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dataplane/pop.grpc.pb.h"

namespace anytick::control {

/// A table on its way to a POP; the bytes are someone else's.
struct PushTable {
  pop::v1::TableKind kind;
  std::span<const std::byte> bytes;
  std::string signature{}; ///< 64 bytes, or none
};

/// Called with (bytes sent, bytes in all) after each chunk.
using PushProgress = std::function<void(size_t, size_t)>;

/// One POP's control service. `address` is a gRPC target, e.g. "unix:/run/anytick/pop.sock".
/// Each call may take `timeout` in all. Throws CommandFailure: exit_unreachable where nobody answers in time,
/// exit_refused where the POP ends the call with an error.
class PopClient {
 public:
  PopClient(const std::string& address, std::chrono::milliseconds timeout);

  /// Sends tables as one load. A reply that is not `applied` comes back like one that is.
  pop::v1::LoadReply load(std::span<const PushTable> tables, const PushProgress& progress);
  pop::v1::LoadSecretsReply load_secrets(const pop::v1::Secrets& secrets);
  pop::v1::StatusReply status();

 private:
  using Deadline = std::chrono::system_clock::time_point;
  /// Waits for a connection; what follows has until the same deadline.
  Deadline connect();
  [[noreturn]] void fail(const grpc::Status& status) const;

  std::string address_;
  std::chrono::milliseconds timeout_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<pop::v1::Pop::Stub> stub_;
};

} // namespace anytick::control
