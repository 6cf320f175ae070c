#include "dataplane/io/control_server.h"

#include <map>
#include <mutex>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <grpc/support/log.h>
#include <spdlog/spdlog.h>

#include "dataplane/io/control_tls.h"
#include "dataplane/io/seldom.h"
#include "dataplane/io/upload.h"

namespace anytick::io {
namespace {

constexpr int threads_max = 8;
constexpr int message_max = static_cast<int>(chunk_max) + 4096;

void set_bounds(grpc::ServerBuilder& builder, const ControlBounds& bounds) {
  const auto set = [&builder](const char* argument, std::chrono::milliseconds time) {
    builder.AddChannelArgument(argument, static_cast<int>(time.count()));
  };
  grpc::ResourceQuota quota("anytick control");
  quota.SetMaxThreads(threads_max);
  builder.SetResourceQuota(quota);
  builder.SetMaxReceiveMessageSize(message_max);
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 2);
  set(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, bounds.handshake);
  set(GRPC_ARG_KEEPALIVE_TIME_MS, bounds.keepalive);
  set(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, bounds.keepalive_reply);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0); // else two, and then it asks no more
  set(GRPC_ARG_MAX_CONNECTION_IDLE_MS, bounds.idle);
}

/// gRPC has a line for each handshake that fails. One place in its source does not keep another quiet.
void log_of_grpc(gpr_log_func_args* line) {
  if (line->severity != GPR_LOG_SEVERITY_ERROR) return spdlog::debug("gRPC: {}", line->message);
  static std::mutex& mutex = *new std::mutex();
  static auto& seldom = *new std::map<std::pair<std::string_view, int>, Seldom>();
  const std::lock_guard lock(mutex);
  seldom[{line->file, line->line}].warn(fmt::format("gRPC: {}", line->message));
}

/// gRPC's, which closes it.
ControlAcceptor::Taker taker(const std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor>& acceptor) {
  return [to = acceptor.get()](FileDescriptor connection) {
    grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters parameters;
    parameters.fd = connection.release();
    to->HandleNewConnection(&parameters);
  };
}

} // namespace

Result<std::unique_ptr<ControlServer>> ControlServer::start(const std::filesystem::path& socket, grpc::Service& service,
                                                            const ControlTlsConfig& tls, const ControlBounds& bounds) {
  std::error_code error;
  std::filesystem::create_directories(socket.parent_path(), error);
  if (error) return Refusal{socket.parent_path().string(), "", error.message()};
  if (auto refusal = allow_open_files(bounds.places.files() + other_files)) return std::move(*refusal);
  auto connections = ControlAcceptor::open(socket, tls.listen, bounds.places, bounds.keepalive_reply);
  if (!connections) return connections.refusal();

  gpr_set_log_function(log_of_grpc);
  grpc::ServerBuilder builder;
  set_bounds(builder, bounds);
  constexpr auto from_file = grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD;
  Acceptor local = builder.experimental().AddExternalConnectionAcceptor(from_file, grpc::InsecureServerCredentials());
  Acceptor remote;
  if (!tls.listen.empty())
    remote = builder.experimental().AddExternalConnectionAcceptor(from_file, control_credentials(tls));
  builder.RegisterService(&service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return Refusal{"control service", "", "cannot start"};
  return std::unique_ptr<ControlServer>(
      new ControlServer(std::move(*connections), std::move(server), std::move(local), std::move(remote)));
}

ControlServer::ControlServer(std::unique_ptr<ControlAcceptor> connections, std::unique_ptr<grpc::Server> server,
                             Acceptor local, Acceptor remote)
    : tls_ports_(connections->ports()), server_(std::move(server)), local_(std::move(local)),
      remote_(std::move(remote)), connections_(std::move(connections)) {
  connections_->start(taker(local_), taker(remote_));
}

ControlServer::~ControlServer() {
  connections_.reset(); // gRPC leaves a connection open that comes during its shutdown
  server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(1));
}

} // namespace anytick::io
