#include "delivery_fake_pop.h"

#include <chrono>
#include <cstring>
#include <thread>

#include "dataplane/core/zone_image.h"

namespace anytick::test {
namespace {

uint64_t serial_of(const std::string& image) {
  core::ZoneHeader header{};
  std::memcpy(&header, image.data(), std::min(image.size(), sizeof header));
  return header.serial;
}

} // namespace

FakePop::FakePop(std::string address) : address_(std::move(address)) {
  start();
}

FakePop::~FakePop() {
  server_->Shutdown(std::chrono::system_clock::now());
}

void FakePop::start() {
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address_, grpc::InsecureServerCredentials());
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
}

void FakePop::restart() {
  const std::lock_guard lock(mutex_);
  dead_ = false;
  running_ = stored_;
  waiting_.reset();
  generation_ = 1;
  ++started_;
}

void FakePop::die() {
  const std::lock_guard lock(mutex_);
  dead_ = true;
}

void FakePop::forget() {
  const std::lock_guard lock(mutex_);
  running_.clear();
  stored_.clear();
}

void FakePop::expire() {
  const std::lock_guard lock(mutex_);
  if (waiting_) go_back();
}

void FakePop::try_by_hand(v1::TableKind kind, const std::string& bytes) {
  v1::LoadBegin begin;
  begin.set_confirm_seconds(300);
  v1::TableHead& head = *begin.add_tables();
  head.set_kind(kind);
  head.set_size(bytes.size());
  head.set_digest(bytes);
  const std::lock_guard lock(mutex_);
  take(begin, bytes);
}

void FakePop::confirm_by_hand() {
  const std::lock_guard lock(mutex_);
  waiting_.reset();
  stored_ = running_;
}

void FakePop::go_back() {
  running_ = waiting_->previous;
  waiting_.reset();
  ++generation_;
}

std::string FakePop::runs() const {
  const std::lock_guard lock(mutex_);
  const auto zone = running_.find(v1::TABLE_KIND_ZONE);
  return zone == running_.end() ? "" : zone->second.info.digest();
}

bool FakePop::is_unconfirmed() const {
  const std::lock_guard lock(mutex_);
  return waiting_.has_value();
}

unsigned FakePop::loads() const {
  const std::lock_guard lock(mutex_);
  return loads_;
}

std::optional<v1::LoadBegin> FakePop::last_begin() const {
  const std::lock_guard lock(mutex_);
  return last_begin_;
}

std::string FakePop::table(v1::TableKind kind) const {
  const std::lock_guard lock(mutex_);
  const auto found = running_.find(kind);
  return found == running_.end() ? "" : found->second.bytes;
}

/// Tests give each set an image and a policy of the same number: "# N".
bool FakePop::is_mixed() const {
  const std::lock_guard lock(mutex_);
  const auto zone = running_.find(v1::TABLE_KIND_ZONE), policy = running_.find(v1::TABLE_KIND_POLICY);
  if (zone == running_.end() || policy == running_.end()) return zone != policy;
  return policy->second.bytes.find("# " + std::to_string(zone->second.info.serial()) + "\n") == std::string::npos;
}

std::vector<std::string> FakePop::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

grpc::Status FakePop::gone() {
  dead_ = true;
  return {grpc::StatusCode::UNAVAILABLE, "Socket closed"};
}

void FakePop::fill(google::protobuf::RepeatedPtrField<v1::TableInfo>& out) const {
  for (const auto& [kind, table] : running_) *out.Add() = table.info;
}

/// Why not.
std::optional<std::string> FakePop::take(const v1::LoadBegin& begin, const std::string& bytes) {
  if (waiting_) return "generation " + std::to_string(waiting_->generation) + " waits for its confirmation";
  Tables next = running_;
  size_t at = 0;
  for (const v1::TableHead& head : begin.tables()) {
    Table& table = next[head.kind()];
    table.bytes = bytes.substr(at, head.size());
    at += head.size();
    table.info.set_kind(head.kind());
    table.info.set_size(head.size());
    table.info.set_digest(head.digest());
    table.info.set_loaded(started_ + 1);
    if (head.kind() == v1::TABLE_KIND_ZONE) table.info.set_serial(serial_of(table.bytes));
  }
  if (at != bytes.size()) return "its sizes are wrong";
  ++generation_;
  if (begin.confirm_seconds() > 0)
    waiting_ = Waiting{generation_, running_};
  else
    stored_ = next;
  running_ = std::move(next);
  return std::nullopt;
}

grpc::Status FakePop::Load(grpc::ServerContext* context, grpc::ServerReader<v1::LoadRequest>* stream,
                           v1::LoadReply* reply) {
  v1::LoadRequest request;
  if (!stream->Read(&request) || !request.has_begin()) return {grpc::StatusCode::INVALID_ARGUMENT, "no begin"};
  const v1::LoadBegin begin = request.begin();
  std::string bytes;
  while (stream->Read(&request)) {
    bytes += request.chunk();
    const std::lock_guard lock(mutex_);
    if (wrong_ == Wrong::dies_midway) return gone();
  }
  if (wrong_ == Wrong::hangs)
    while (!context->IsCancelled()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  const std::lock_guard lock(mutex_);
  if (dead_) return gone();
  if (context->IsCancelled()) return grpc::Status::CANCELLED;
  calls_.emplace_back("load");
  ++loads_;
  last_begin_ = begin;
  if (wrong_ == Wrong::refuses)
    reply->set_reason("out of memory");
  else if (wrong_ != Wrong::lies)
    if (const auto why = take(begin, bytes)) reply->set_reason(*why);
  if (wrong_ == Wrong::dies_applied) return gone();
  reply->set_applied(reply->reason().empty());
  if (wrong_ == Wrong::stores_nothing && !waiting_) reply->set_not_stored("disk full");
  reply->set_generation(generation_);
  fill(*reply->mutable_tables());
  if (waiting_) reply->mutable_unconfirmed()->set_generation(waiting_->generation);
  return grpc::Status::OK;
}

grpc::Status FakePop::Confirm(grpc::ServerContext*, const v1::ConfirmRequest* request, v1::ConfirmReply* reply) {
  const std::lock_guard lock(mutex_);
  if (dead_ || wrong_ == Wrong::dies_confirming) return gone();
  calls_.emplace_back("confirm");
  if (!waiting_ || waiting_->generation != request->generation()) {
    reply->set_reason("no load waits for it");
    return grpc::Status::OK;
  }
  waiting_.reset();
  stored_ = running_;
  if (wrong_ == Wrong::dies_confirmed) return gone();
  reply->set_confirmed(true);
  if (wrong_ == Wrong::stores_nothing) reply->set_not_stored("disk full");
  reply->set_generation(generation_);
  fill(*reply->mutable_tables());
  return grpc::Status::OK;
}

grpc::Status FakePop::Revert(grpc::ServerContext*, const v1::RevertRequest* request, v1::RevertReply* reply) {
  const std::lock_guard lock(mutex_);
  if (dead_) return gone();
  calls_.emplace_back("revert");
  if (!waiting_ || waiting_->generation != request->generation()) {
    reply->set_reason("no load waits for it");
    return grpc::Status::OK;
  }
  go_back();
  reply->set_reverted(true);
  reply->set_generation(generation_);
  fill(*reply->mutable_tables());
  return grpc::Status::OK;
}

grpc::Status FakePop::Status(grpc::ServerContext*, const v1::StatusRequest*, v1::StatusReply* reply) {
  const std::lock_guard lock(mutex_);
  if (dead_ || wrong_ == Wrong::dies_asked) return gone();
  calls_.emplace_back("status");
  reply->set_name("fake");
  reply->set_version("0.0");
  reply->set_protocol(1);
  reply->set_started(started_);
  reply->set_generation(generation_);
  fill(*reply->mutable_tables());
  if (wrong_ != Wrong::cannot_go_back) reply->add_features("confirm");
  v1::Counter& counter = *reply->add_counters();
  counter.set_name("dns_answered");
  counter.set_value(calls_.size() * 1000);
  if (waiting_) {
    reply->mutable_unconfirmed()->set_generation(waiting_->generation);
    for (const auto& [kind, table] : waiting_->previous) *reply->mutable_unconfirmed()->add_previous() = table.info;
  }
  return grpc::Status::OK;
}

} // namespace anytick::test
