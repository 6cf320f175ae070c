#include "control/push.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include <grpcpp/grpcpp.h>

#include "control/command.h"
#include "dataplane/core/signature.h"
#include "dataplane/core/tls_pem.h"

namespace anytick::control {
namespace {

constexpr uint32_t protocol = 1;
constexpr size_t chunk_max = size_t{1} << 20;
// Where ZoneHeader and the geo map's header keep their digest. A policy has no header.
constexpr size_t digest_at = 16;
constexpr size_t digest_size = 32;
// A daemon that is there is connected to at once; whoever waits for one to start asks again.
constexpr std::chrono::milliseconds connect_patience{5000};
constexpr int reconnect_milliseconds = 100;
// Then, a channel that nobody uses lets go of its connection, and of trying to have one.
constexpr int idle_milliseconds = 5000;

// To learn why there is no connection, when there was none.
constexpr std::chrono::milliseconds reason_patience{300};
// Once to learn that a connection is gone, once that the next one was to who was about to go, and then nobody is there.
constexpr int asked_max = 3;
constexpr const char* confirm_feature = "confirm";

bool is_unix(const std::string& address) {
  return address.starts_with("unix:") || address.starts_with("unix-abstract:");
}

/// The files, if they are fit to be used together.
grpc::SslCredentialsOptions read_tls(const PopTls& tls) {
  const auto text = [](const std::string& file) { return std::string(as_text(read_file(file))); };
  const grpc::SslCredentialsOptions options{text(tls.ca), text(tls.key), text(tls.certificate)};
  for (const auto& fault :
       {core::check_certificates(options.pem_root_certs, tls.ca),
        core::check_certificates(options.pem_cert_chain, tls.certificate),
        core::check_certificate_key(options.pem_private_key, tls.key, options.pem_cert_chain, tls.certificate)})
    if (fault) throw CommandFailure(exit_refused, fault->text());
  return options;
}

std::shared_ptr<grpc::Channel> open_channel(const std::string& address, const grpc::SslCredentialsOptions* tls,
                                            const std::string& name) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, reconnect_milliseconds);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, reconnect_milliseconds);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, reconnect_milliseconds);
  arguments.SetInt(GRPC_ARG_CLIENT_IDLE_TIMEOUT_MS, idle_milliseconds);
  if (!name.empty()) arguments.SetSslTargetNameOverride(name);
  return grpc::CreateCustomChannel(
      address, tls != nullptr ? grpc::SslCredentials(*tls) : grpc::InsecureChannelCredentials(), arguments);
}

/// Channels stay until the process ends, as closing one can wait for gRPC's own poller for more than ten seconds. So
/// there is one for each address and what it is talked to with, whoever talks. Any thread.
std::shared_ptr<grpc::Channel> channel_to(const std::string& address, const std::optional<PopTls>& tls) {
  using Key = std::vector<std::string>;
  static std::mutex& opening = *new std::mutex();
  static auto& open = *new std::map<Key, std::shared_ptr<grpc::Channel>>();
  Key key{address};
  std::optional<grpc::SslCredentialsOptions> files;
  if (tls && !is_unix(address)) {
    files = read_tls(*tls);
    key.insert(key.end(), {files->pem_root_certs, files->pem_cert_chain, files->pem_private_key, tls->name});
  }
  const std::lock_guard lock(opening);
  std::shared_ptr<grpc::Channel>& channel = open[std::move(key)];
  if (channel == nullptr) channel = open_channel(address, files ? &*files : nullptr, files ? tls->name : "");
  return channel;
}

/// Nothing where the table is too short to have one.
std::string digest_of(const PushTable& table) {
  if (table.kind == pop::v1::TABLE_KIND_POLICY) {
    const auto digest = core::policy_digest(table.bytes);
    return {digest.begin(), digest.end()};
  }
  if (table.bytes.size() < digest_at + digest_size) return "";
  return {reinterpret_cast<const char*>(table.bytes.data()) + digest_at, digest_size};
}

pop::v1::LoadRequest begin(std::span<const PushTable> tables, std::chrono::seconds confirm_within) {
  pop::v1::LoadRequest request;
  request.mutable_begin()->set_protocol(protocol);
  request.mutable_begin()->set_confirm_seconds(static_cast<uint32_t>(confirm_within.count()));
  for (const PushTable& table : tables) {
    pop::v1::TableHead* head = request.mutable_begin()->add_tables();
    head->set_kind(table.kind);
    head->set_size(table.bytes.size());
    head->set_digest(digest_of(table));
    head->set_signature(table.signature);
  }
  return request;
}

/// False where the POP ended the stream early; its status says why.
bool send(grpc::ClientWriter<pop::v1::LoadRequest>& stream, std::span<const PushTable> tables,
          const PushProgress& progress, std::chrono::seconds confirm_within) {
  size_t total = 0;
  for (const PushTable& table : tables) total += table.bytes.size();
  if (!stream.Write(begin(tables, confirm_within))) return false;
  size_t sent = 0;
  pop::v1::LoadRequest request;
  for (const PushTable& table : tables) {
    for (size_t at = 0; at < table.bytes.size(); at += chunk_max) {
      const auto chunk = table.bytes.subspan(at, std::min(chunk_max, table.bytes.size() - at));
      request.set_chunk(chunk.data(), chunk.size());
      if (!stream.Write(request)) return false;
      sent += chunk.size();
      progress(sent, total);
    }
  }
  return stream.WritesDone();
}

} // namespace

PopClient::PopClient(const std::string& address, std::chrono::milliseconds timeout, const std::optional<PopTls>& tls)
    : address_(address), timeout_(timeout), channel_(channel_to(address, tls)), stub_(pop::v1::Pop::NewStub(channel_)) {
}

/// The channel may have been used before, and not know yet that its POP is gone or another one. So it is asked for the
/// status first, which may be asked twice; what follows has a connection that was there a moment ago.
PopClient::Connection PopClient::connect() {
  const Deadline now = std::chrono::system_clock::now();
  const Deadline connected_by = now + std::min(timeout_, connect_patience);
  Connection connection{now + timeout_, {}};
  for (int asked = 1;; ++asked) {
    if (!channel_->WaitForConnected(connected_by)) not_reachable();
    const grpc::Status status = ask(connection.deadline, connection.status);
    if (status.ok()) return connection;
    if (status.error_code() != grpc::StatusCode::UNAVAILABLE || asked == asked_max) fail(status);
  }
}

grpc::Status PopClient::ask(Deadline deadline, pop::v1::StatusReply& reply) {
  grpc::ClientContext context;
  context.set_deadline(deadline);
  reply.Clear();
  return stub_->Status(&context, {}, &reply);
}

void PopClient::not_reachable() {
  pop::v1::StatusReply reply;
  const grpc::Status status = ask(std::chrono::system_clock::now() + reason_patience, reply);
  std::string reason;
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE) {
    constexpr std::string_view prelude = "last error: ";
    const std::string& all = status.error_message();
    const size_t at = all.rfind(prelude);
    reason = ": " + (at == all.npos ? all : all.substr(at + prelude.size()));
  }
  throw CommandFailure(exit_unreachable, "POP " + address_ + ": not reachable" + reason);
}

void PopClient::fail(const grpc::Status& status) const {
  const bool silent = status.error_code() == grpc::StatusCode::UNAVAILABLE ||
                      status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED;
  throw CommandFailure(silent ? exit_unreachable : exit_refused, "POP " + address_ + ": " + status.error_message());
}

pop::v1::LoadReply PopClient::load(std::span<const PushTable> tables, const PushProgress& progress,
                                   std::chrono::seconds confirm_within) {
  const Connection connection = connect();
  const auto& features = connection.status.features();
  if (confirm_within.count() > 0 && std::find(features.begin(), features.end(), confirm_feature) == features.end())
    throw CommandFailure(exit_refused, "POP " + address_ + ": does not know of confirmation: its anytickd is " +
                                           connection.status.version());
  grpc::ClientContext context;
  context.set_deadline(connection.deadline);
  pop::v1::LoadReply reply;
  const auto stream = stub_->Load(&context, &reply);
  send(*stream, tables, progress, confirm_within);
  if (const grpc::Status status = stream->Finish(); !status.ok()) fail(status);
  return reply;
}

pop::v1::ConfirmReply PopClient::confirm(uint64_t generation, const TableInfos& tables) {
  grpc::ClientContext context;
  context.set_deadline(connect().deadline);
  pop::v1::ConfirmRequest request;
  request.set_generation(generation);
  for (const pop::v1::TableInfo& table : tables) request.add_digests(table.digest());
  pop::v1::ConfirmReply reply;
  if (const grpc::Status status = stub_->Confirm(&context, request, &reply); !status.ok()) fail(status);
  return reply;
}

pop::v1::RevertReply PopClient::revert(uint64_t generation) {
  grpc::ClientContext context;
  context.set_deadline(connect().deadline);
  pop::v1::RevertRequest request;
  request.set_generation(generation);
  pop::v1::RevertReply reply;
  if (const grpc::Status status = stub_->Revert(&context, request, &reply); !status.ok()) fail(status);
  return reply;
}

pop::v1::LoadSecretsReply PopClient::load_secrets(const pop::v1::Secrets& secrets) {
  grpc::ClientContext context;
  context.set_deadline(connect().deadline);
  pop::v1::LoadSecretsRequest request;
  request.set_protocol(protocol);
  *request.mutable_secrets() = secrets;
  pop::v1::LoadSecretsReply reply;
  if (const grpc::Status status = stub_->LoadSecrets(&context, request, &reply); !status.ok()) fail(status);
  return reply;
}

pop::v1::StatusReply PopClient::status() {
  return connect().status;
}

} // namespace anytick::control
