#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <grpcpp/grpcpp.h>

#include "dataplane/pop.grpc.pb.h"

namespace anytick::test {

namespace v1 = pop::v1;

/// A POP's control service that holds the contract of pop.proto, but for what a test tells it to do wrong. Tables are
/// looked at by their digest alone.
class FakePop final : public v1::Pop::Service {
 public:
  enum class Wrong : uint8_t {
    nothing,
    refuses,         ///< each load
    hangs,           ///< in a load, until the caller gives up
    dies_midway,     ///< when it got half of a load
    dies_applied,    ///< when it runs the load, before it says so
    lies,            ///< says that it applied a load, and did not
    dies_asked,      ///< when it is asked for its status
    dies_confirming, ///< when it is asked to confirm, before it does
    dies_confirmed,  ///< after it did, before it says so
    stores_nothing,  ///< its disk is full
    cannot_go_back,  ///< an old one without the feature
  };

  /// `address` is a gRPC target, where it listens.
  explicit FakePop(std::string address);
  ~FakePop() override;

  void set(Wrong wrong) { wrong_ = wrong; }
  /// After it died, or as if it did now: with what it had stored.
  void restart();
  /// Nobody answers until it is restarted.
  void die();
  /// It lost its tables, as a POP that is installed anew.
  void forget();
  /// The time for a confirmation is over.
  void expire();
  /// Somebody tries a table, so that it waits for its confirmation, and confirms it.
  void try_by_hand(v1::TableKind kind, const std::string& bytes);
  void confirm_by_hand();

  /// Digest of the zone image that runs, 32 bytes; "": none.
  std::string runs() const;
  bool is_unconfirmed() const;
  unsigned loads() const;
  std::optional<v1::LoadBegin> last_begin() const;
  /// Of a kind, as it runs; "": none.
  std::string table(v1::TableKind kind) const;
  /// A half of one set and a half of another, which there must never be.
  bool is_mixed() const;
  /// In the order that they came.
  std::vector<std::string> calls() const;

  grpc::Status Load(grpc::ServerContext*, grpc::ServerReader<v1::LoadRequest>*, v1::LoadReply*) override;
  grpc::Status Confirm(grpc::ServerContext*, const v1::ConfirmRequest*, v1::ConfirmReply*) override;
  grpc::Status Revert(grpc::ServerContext*, const v1::RevertRequest*, v1::RevertReply*) override;
  grpc::Status Status(grpc::ServerContext*, const v1::StatusRequest*, v1::StatusReply*) override;

 private:
  struct Table {
    v1::TableInfo info;
    std::string bytes;
  };
  using Tables = std::map<v1::TableKind, Table>;
  struct Waiting {
    uint64_t generation;
    Tables previous;
  };

  void start();
  grpc::Status gone();
  void go_back();
  void fill(google::protobuf::RepeatedPtrField<v1::TableInfo>& out) const;
  std::optional<std::string> take(const v1::LoadBegin& begin, const std::string& bytes);

  const std::string address_;
  mutable std::mutex mutex_;
  std::atomic<Wrong> wrong_ = Wrong::nothing;
  bool dead_ = false;
  Tables running_, stored_;
  std::optional<Waiting> waiting_;
  uint64_t generation_ = 1;
  uint64_t started_ = 1'700'000'000;
  unsigned loads_ = 0;
  std::optional<v1::LoadBegin> last_begin_;
  std::vector<std::string> calls_;
  std::unique_ptr<grpc::Server> server_;
};

} // namespace anytick::test
