#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <grpcpp/grpcpp.h>

#include "dataplane/core/counters.h"
#include "dataplane/io/clock_service.h"
#include "dataplane/io/tables.h"
#include "dataplane/io/upload.h"
#include "dataplane/pop.grpc.pb.h"

namespace anytick::io {

/// Whose counters Status shows. The counters outlive the service.
struct WorkerView {
  unsigned core;
  const core::Counters* counters;
  std::string name = {}; ///< of what is no packet worker and has no core of its own
};

/// A port whose device Status asks. Open for as long as the service.
struct PortView {
  std::string device;
  uint16_t id;
};

struct ServiceConfig {
  std::string name;    ///< of the POP
  std::string version; ///< of anytickd
  uint64_t max_table_bytes = 0;
  std::chrono::milliseconds stall_patience{10'000}; ///< a Load without a new chunk for this long is cancelled
  std::chrono::milliseconds load_limit{600'000};    ///< so is one that lasts longer than this
};

/// pop.proto's Pop. Handlers run on gRPC's threads, which inherit the affinity of the thread that starts the server.
class ControlService final : public pop::v1::Pop::Service {
 public:
  ControlService(ServiceConfig config, Tables& tables, std::vector<WorkerView> workers,
                 std::vector<PortView> ports = {}, const ClockService* clock = nullptr);

  grpc::Status Load(grpc::ServerContext* context, grpc::ServerReader<pop::v1::LoadRequest>* stream,
                    pop::v1::LoadReply* reply) override;
  grpc::Status LoadSecrets(grpc::ServerContext* context, const pop::v1::LoadSecretsRequest* request,
                           pop::v1::LoadSecretsReply* reply) override;
  grpc::Status Confirm(grpc::ServerContext* context, const pop::v1::ConfirmRequest* request,
                       pop::v1::ConfirmReply* reply) override;
  grpc::Status Revert(grpc::ServerContext* context, const pop::v1::RevertRequest* request,
                      pop::v1::RevertReply* reply) override;
  grpc::Status Status(grpc::ServerContext* context, const pop::v1::StatusRequest* request,
                      pop::v1::StatusReply* reply) override;

 private:
  grpc::Status receive(grpc::ServerContext& context, grpc::ServerReader<pop::v1::LoadRequest>& stream, Upload& upload,
                       pop::v1::LoadReply& reply) const;
  void apply(grpc::ServerContext& context, Upload& upload, pop::v1::LoadReply& reply);

  ServiceConfig config_;
  Tables& tables_;
  std::vector<WorkerView> workers_;
  std::vector<PortView> ports_;
  const ClockService* clock_; ///< null: NTP is not answered
  uint64_t started_;          ///< seconds since 1970
  std::atomic<unsigned> loads_{0};
};

} // namespace anytick::io
