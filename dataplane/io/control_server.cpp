#include "dataplane/io/control_server.h"

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "dataplane/io/control_tls.h"
#include "dataplane/io/upload.h"

namespace anytick::io {
namespace {

constexpr int threads_max = 8;
constexpr int message_max = static_cast<int>(chunk_max) + 4096;
// By TCP, anybody may come, and a client may go without a word.
constexpr int handshake_milliseconds = 10'000;
constexpr int keepalive_milliseconds = 60'000;
constexpr int keepalive_reply_milliseconds = 20'000;

/// Makes the way free for the socket: nothing there, or a socket that a dead daemon left.
std::optional<Refusal> clear_socket(const std::filesystem::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return std::nullopt;
  if (!S_ISSOCK(status.st_mode)) return Refusal{path.string(), "", "is there and is no socket"};
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  const bool answered = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  ::close(fd);
  if (answered) return Refusal{path.string(), "", "another process listens on it"};
  if (::unlink(path.c_str()) != 0) return Refusal{path.string(), "", std::strerror(errno)};
  return std::nullopt;
}

/// gRPC does not say: the system does, asked for the same.
Refusal why_not(const Endpoint& at) {
  sockaddr_storage address;
  const socklen_t size = to_sockaddr(at, address);
  const FileDescriptor socket(::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const bool bound = ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0;
  return {"control_tls.listen: " + to_text(at), "",
          bound && ::listen(socket.get(), 1) == 0 ? "cannot listen" : std::strerror(errno)};
}

void set_limits(grpc::ServerBuilder& builder) {
  grpc::ResourceQuota quota("anytick control");
  quota.SetMaxThreads(threads_max);
  builder.SetResourceQuota(quota);
  builder.SetMaxReceiveMessageSize(message_max);
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 2);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0); // a second daemon is told, and does not take half the calls
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, handshake_milliseconds);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, keepalive_milliseconds);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, keepalive_reply_milliseconds);
}

} // namespace

Result<std::unique_ptr<ControlServer>> ControlServer::start(const std::filesystem::path& socket, grpc::Service& service,
                                                            const ControlTlsConfig& tls) {
  std::error_code error;
  std::filesystem::create_directories(socket.parent_path(), error);
  if (error) return Refusal{socket.parent_path().string(), "", error.message()};
  if (auto refusal = clear_socket(socket)) return std::move(*refusal);

  grpc::ServerBuilder builder;
  set_limits(builder);
  int unix_port = 0; // it says 1 where it listens
  builder.AddListeningPort("unix:" + socket.string(), grpc::InsecureServerCredentials(), &unix_port);
  std::vector<int> ports(tls.listen.size(), 0);
  if (!tls.listen.empty()) {
    const auto credentials = control_credentials(tls);
    for (size_t i = 0; i < ports.size(); ++i) builder.AddListeningPort(to_text(tls.listen[i]), credentials, &ports[i]);
  }
  builder.RegisterService(&service);
  // From its first moment on, the socket is not for everyone: mode 0660.
  const mode_t mask = ::umask(0117);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  ::umask(mask);
  if (server != nullptr) return std::unique_ptr<ControlServer>(new ControlServer(std::move(server), std::move(ports)));
  if (unix_port <= 0) return Refusal{socket.string(), "", "cannot listen"};
  for (size_t i = 0; i < ports.size(); ++i)
    if (ports[i] <= 0) return why_not(tls.listen[i]);
  return Refusal{"control service", "", "cannot start"};
}

ControlServer::~ControlServer() {
  server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(1));
}

} // namespace anytick::io
