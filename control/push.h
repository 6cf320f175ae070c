#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
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

using TableInfos = google::protobuf::RepeatedPtrField<pop::v1::TableInfo>;

/// Called with (bytes sent, bytes in all) after each chunk.
using PushProgress = std::function<void(size_t, size_t)>;

/// How a POP is talked to by TCP: PEM files.
struct PopTls {
  std::string ca;          ///< whose certificate the POP has
  std::string certificate; ///< ours
  std::string key;
  std::string name{}; ///< that the POP's certificate has; empty: what is in the address
};

/// One POP's control service. `address` is a gRPC target, e.g. "unix:/run/anytick/pop.sock" or "198.51.100.7:8953".
/// Each call may take `timeout` in all. Throws CommandFailure: exit_unreachable where nobody answers in time or the
/// handshake fails, exit_refused where the POP ends the call with an error.
///
/// One thread each; any number of them at a time, for one POP or many.
class PopClient {
 public:
  /// `tls` is for TCP: a Unix socket is talked to without. Throws CommandFailure where its files are wrong.
  PopClient(const std::string& address, std::chrono::milliseconds timeout, const std::optional<PopTls>& tls = {});

  /// Sends tables as one load. A reply that is not `applied` comes back like one that is. With `confirm_within`, the
  /// POP goes back to what ran before unless confirm() comes in time: what the reply says of it in `unconfirmed` is to
  /// be confirmed. Throws CommandFailure (refused) for a POP that does not know of confirmation.
  pop::v1::LoadReply load(std::span<const PushTable> tables, const PushProgress& progress,
                          std::chrono::seconds confirm_within = {});
  /// `tables` are those that are meant, as the POP's reply told them. Once more is no error. A reply that does not
  /// confirm comes back like one that does.
  pop::v1::ConfirmReply confirm(uint64_t generation, const TableInfos& tables);
  /// The same.
  pop::v1::RevertReply revert(uint64_t generation);
  pop::v1::LoadSecretsReply load_secrets(const pop::v1::Secrets& secrets);
  pop::v1::StatusReply status();

 private:
  using Deadline = std::chrono::system_clock::time_point;
  /// What is there to talk to, until when.
  struct Connection {
    Deadline deadline;
    pop::v1::StatusReply status;
  };
  Connection connect();
  grpc::Status ask(Deadline deadline, pop::v1::StatusReply& reply);
  [[noreturn]] void not_reachable();
  [[noreturn]] void fail(const grpc::Status& status) const;

  std::string address_;
  std::chrono::milliseconds timeout_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<pop::v1::Pop::Stub> stub_;
};

} // namespace anytick::control
