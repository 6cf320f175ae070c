#include "control/push.h"

#include <algorithm>

#include <grpcpp/grpcpp.h>

#include "control/command.h"
#include "dataplane/core/signature.h"

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

/// Channels stay until the process ends: closing one can wait for gRPC's own poller for more than ten seconds.
std::shared_ptr<grpc::Channel> open_channel(const std::string& address) {
  static auto& open = *new std::vector<std::shared_ptr<grpc::Channel>>();
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, reconnect_milliseconds);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, reconnect_milliseconds);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, reconnect_milliseconds);
  return open.emplace_back(grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments));
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

pop::v1::LoadRequest begin(std::span<const PushTable> tables) {
  pop::v1::LoadRequest request;
  request.mutable_begin()->set_protocol(protocol);
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
          const PushProgress& progress) {
  size_t total = 0;
  for (const PushTable& table : tables) total += table.bytes.size();
  if (!stream.Write(begin(tables))) return false;
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

PopClient::PopClient(const std::string& address, std::chrono::milliseconds timeout)
    : address_(address), timeout_(timeout), channel_(open_channel(address)), stub_(pop::v1::Pop::NewStub(channel_)) {}

PopClient::Deadline PopClient::connect() {
  const Deadline now = std::chrono::system_clock::now();
  if (!channel_->WaitForConnected(now + std::min(timeout_, connect_patience)))
    throw CommandFailure(exit_unreachable, "POP " + address_ + ": not reachable");
  return now + timeout_;
}

void PopClient::fail(const grpc::Status& status) const {
  const bool silent = status.error_code() == grpc::StatusCode::UNAVAILABLE ||
                      status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED;
  throw CommandFailure(silent ? exit_unreachable : exit_refused, "POP " + address_ + ": " + status.error_message());
}

pop::v1::LoadReply PopClient::load(std::span<const PushTable> tables, const PushProgress& progress) {
  const Deadline deadline = connect();
  grpc::ClientContext context;
  context.set_deadline(deadline);
  pop::v1::LoadReply reply;
  const auto stream = stub_->Load(&context, &reply);
  send(*stream, tables, progress);
  if (const grpc::Status status = stream->Finish(); !status.ok()) fail(status);
  return reply;
}

pop::v1::LoadSecretsReply PopClient::load_secrets(const pop::v1::Secrets& secrets) {
  const Deadline deadline = connect();
  grpc::ClientContext context;
  context.set_deadline(deadline);
  pop::v1::LoadSecretsRequest request;
  request.set_protocol(protocol);
  *request.mutable_secrets() = secrets;
  pop::v1::LoadSecretsReply reply;
  if (const grpc::Status status = stub_->LoadSecrets(&context, request, &reply); !status.ok()) fail(status);
  return reply;
}

pop::v1::StatusReply PopClient::status() {
  const Deadline deadline = connect();
  grpc::ClientContext context;
  context.set_deadline(deadline);
  pop::v1::StatusReply reply;
  if (const grpc::Status status = stub_->Status(&context, {}, &reply); !status.ok()) fail(status);
  return reply;
}

} // namespace anytick::control
