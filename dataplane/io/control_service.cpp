#include "dataplane/io/control_service.h"

#include <algorithm>
#include <ctime>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <rte_ethdev.h>
#include <spdlog/spdlog.h>

#include "dataplane/io/secrets.h"
#include "dataplane/io/stall_guard.h"
#include "dataplane/io/wall_clock.h"

namespace anytick::io {
namespace {

/// Each Load holds its tables in memory, so few at a time; more than one, so that a stalled one blocks nobody.
constexpr unsigned loads_max = 3;
constexpr const char* features[] = {"confirm"};

/// Holds one of the `loads_max` places, if there was one.
class LoadPlace {
 public:
  explicit LoadPlace(std::atomic<unsigned>& loads) : loads_(loads), taken_(loads.fetch_add(1) < loads_max) {}
  LoadPlace(const LoadPlace&) = delete;
  LoadPlace& operator=(const LoadPlace&) = delete;
  ~LoadPlace() { loads_.fetch_sub(1); }

  bool taken() const { return taken_; }

 private:
  std::atomic<unsigned>& loads_;
  bool taken_;
};

pop::v1::TableKind wire_kind(TableKind kind) {
  switch (kind) {
  case TableKind::zone:
    return pop::v1::TABLE_KIND_ZONE;
  case TableKind::geo:
    return pop::v1::TABLE_KIND_GEO;
  case TableKind::policy:
    return pop::v1::TABLE_KIND_POLICY;
  }
  return pop::v1::TABLE_KIND_UNSPECIFIED;
}

void fill(pop::v1::TableInfo& out, const TableInfo& table) {
  out.set_kind(wire_kind(table.kind));
  out.set_format(table.format);
  out.set_size(table.size);
  out.set_digest(table.digest.data(), table.digest.size());
  out.set_serial(table.serial);
  out.set_created(table.created);
  out.set_loaded(table.loaded);
  if (table.signed_by) out.set_key_id(table.signed_by->data(), table.signed_by->size());
}

/// Presentation form with a trailing dot (RFC 4343 2.1) of a validated name in wire format.
std::string presentation(std::span<const uint8_t> name) {
  std::string text;
  for (size_t at = 0; name[at] != 0;) {
    for (const uint8_t c : name.subspan(at + 1, name[at])) {
      if (c <= ' ' || c >= 0x7f) {
        text += fmt::format("\\{:03}", c);
      } else {
        if (c == '.' || c == '\\') text += '\\';
        text += static_cast<char>(c);
      }
    }
    text += '.';
    at += size_t{name[at]} + 1;
  }
  return text.empty() ? "." : text;
}

void fill_zones(pop::v1::StatusReply& reply, const core::ZoneImage& image) {
  for (const core::ImageZone& zone : image.zones()) {
    pop::v1::Zone& out = *reply.add_zones();
    out.set_origin(presentation(image.bytes_of(image.nodes()[zone.first_node].name)));
    out.set_serial(zone.serial);
    out.set_names(zone.node_count);
  }
}

void fill_counters(pop::v1::StatusReply& reply, const std::vector<WorkerView>& workers) {
  std::vector<pop::v1::Worker*> rows;
  for (const WorkerView& worker : workers) {
    rows.push_back(reply.add_workers());
    rows.back()->set_core(worker.core);
    rows.back()->set_name(worker.name);
  }
  for (size_t i = 0; i < core::counter_count; ++i) {
    const std::string name(core::counter_names[i]);
    uint64_t total = 0;
    for (size_t w = 0; w < workers.size(); ++w) {
      // Read once, so that the total is the sum of what is shown.
      const uint64_t value = workers[w].counters->get(static_cast<core::Counter>(i));
      pop::v1::Counter& cell = *rows[w]->add_counters();
      cell.set_name(name);
      cell.set_value(value);
      total += value;
    }
    pop::v1::Counter& sum = *reply.add_counters();
    sum.set_name(name);
    sum.set_value(total);
  }
}

void fill_ports(pop::v1::StatusReply& reply, const std::vector<PortView>& ports) {
  for (const PortView& port : ports) {
    pop::v1::Port& out = *reply.add_ports();
    out.set_device(port.device);
    rte_eth_stats stats{};
    if (rte_eth_stats_get(port.id, &stats) != 0) continue;
    out.set_received(stats.ipackets);
    out.set_sent(stats.opackets);
    out.set_missed(stats.imissed);
    out.set_rx_errors(stats.ierrors);
    out.set_tx_errors(stats.oerrors);
    out.set_rx_no_mbuf(stats.rx_nombuf);
  }
}

void fill(pop::v1::Clock& out, const ClockStatus& status) {
  const core::ClockState& state = status.state;
  const core::WallTime now = read_wall_clock().wall;
  out.set_source(status.source);
  const bool synchronised = core::clock_at(state, now).is_synchronised();
  out.set_synchronised(synchronised);
  // What the threads that answer see for themselves, and the clock's thread has not seen yet.
  const bool unsaid = !synchronised && status.reason.empty();
  out.set_reason(unsaid ? "too old a report, a step since then or too large a root distance" : status.reason);
  out.set_leap(state.leap);
  out.set_stratum(state.stratum);
  out.set_refid(&state.refid, sizeof state.refid);
  out.set_root_delay(state.root_delay);
  out.set_root_dispersion(state.root_dispersion);
  out.set_correction(static_cast<double>(state.correction) * 1e-9);
  out.set_slope(state.slope);
  out.set_age(state.measured == 0 ? 0 : static_cast<double>(now.monotonic - state.measured) * 1e-9);
  out.set_precision(state.precision);
}

template <class Reply> void fill_tables(Reply& reply, const Generation& running) {
  reply.set_generation(running.number);
  for (const TableInfo& table : running.tables()) fill(*reply.add_tables(), table);
}

template <class Reply> void fill_unconfirmed(Reply& reply, const Running& running) {
  if (running.unconfirmed == nullptr) return;
  pop::v1::Unconfirmed& out = *reply.mutable_unconfirmed();
  out.set_generation(running.unconfirmed->generation);
  out.set_seconds_left(static_cast<uint32_t>(running.left.count()));
  for (const TableInfo& table : running.unconfirmed->previous->tables()) fill(*out.add_previous(), table);
}

template <class List> void fill_secrets(List& list, const core::CookieKeys& keys) {
  for (uint32_t i = 0; i < keys.count; ++i) {
    pop::v1::CookieSecretInfo& out = *list.Add();
    const auto id = fingerprint(keys.keys[i]);
    out.set_fingerprint(id.data(), id.size());
    out.set_state(i == 0 ? pop::v1::SECRET_STATE_ACTIVE : pop::v1::SECRET_STATE_ACCEPT_ONLY);
  }
}

void fill_policy(pop::v1::StatusReply& reply, const LoadedPolicy& policy) {
  const std::vector<RuleTotal> totals = policy.totals();
  for (size_t i = 0; i < totals.size(); ++i) {
    const core::PolicyRule& rule = policy.policy().rules()[i];
    pop::v1::PolicyRule& out = *reply.add_policy();
    out.set_name(rule.name);
    out.set_action(core::action_text(rule));
    out.set_matched(totals[i].matched);
    out.set_decided(totals[i].decided);
  }
}

} // namespace

ControlService::ControlService(ServiceConfig config, Tables& tables, std::vector<WorkerView> workers,
                               std::vector<PortView> ports, const ClockService* clock)
    : config_(std::move(config)), tables_(tables), workers_(std::move(workers)), ports_(std::move(ports)),
      clock_(clock), started_(static_cast<uint64_t>(std::time(nullptr))) {}

grpc::Status ControlService::Load(grpc::ServerContext* context, grpc::ServerReader<pop::v1::LoadRequest>* stream,
                                  pop::v1::LoadReply* reply) {
  const LoadPlace place(loads_);
  if (!place.taken()) {
    return {grpc::StatusCode::RESOURCE_EXHAUSTED, fmt::format("{} loads are under way already", loads_max)};
  }
  Upload upload(config_.max_table_bytes);
  if (grpc::Status status = receive(*context, *stream, upload, *reply); !status.ok()) {
    spdlog::warn("load: {}", status.error_message());
    return status;
  }
  if (reply->reason().empty()) apply(*context, upload, *reply);
  if (!reply->applied()) spdlog::warn("load refused: {}", reply->reason());
  const Running running = tables_.state();
  fill_tables(*reply, *running.generation);
  fill_unconfirmed(*reply, running);
  return grpc::Status::OK;
}

/// Gathers the stream. A refusal becomes the reply's reason.
grpc::Status ControlService::receive(grpc::ServerContext& context, grpc::ServerReader<pop::v1::LoadRequest>& stream,
                                     Upload& upload, pop::v1::LoadReply& reply) const {
  StallGuard guard(config_.stall_patience, config_.load_limit, [&context] { context.TryCancel(); });
  std::optional<UploadFault> fault;
  pop::v1::LoadRequest part;
  while (!fault && stream.Read(&part)) {
    guard.progress();
    fault = upload.take(part);
  }
  if (guard.gave_up()) return {grpc::StatusCode::DEADLINE_EXCEEDED, "the upload stalled"};
  if (context.IsCancelled()) return {grpc::StatusCode::CANCELLED, "the stream was broken off"};
  if (!fault) fault = upload.finish();
  if (!fault) return grpc::Status::OK;
  if (fault->kind == UploadFault::Kind::violation) return {grpc::StatusCode::INVALID_ARGUMENT, fault->reason};
  reply.set_reason(fault->reason);
  return grpc::Status::OK;
}

/// Not for a client that was told, or believes, that nothing came of it: it is gone, or the server stops.
void ControlService::apply(grpc::ServerContext& context, Upload& upload, pop::v1::LoadReply& reply) {
  const Result<Applied> applied =
      tables_.load(upload.take_tables(), upload.confirm_within(), [&context] { return context.IsCancelled(); });
  if (!applied) {
    reply.set_reason(applied.refusal().text());
    return;
  }
  reply.set_applied(true);
  reply.set_not_stored(applied->not_stored);
  reply.set_load_microseconds(static_cast<uint64_t>(applied->elapsed.count()));
  const auto within = upload.confirm_within().count();
  spdlog::info("generation {} runs after {} us{}", applied->generation->number, applied->elapsed.count(),
               within == 0 ? "" : fmt::format(", to be confirmed within {} s", within));
}

grpc::Status ControlService::LoadSecrets(grpc::ServerContext*, const pop::v1::LoadSecretsRequest* request,
                                         pop::v1::LoadSecretsReply* reply) {
  if (request->protocol() != protocol_version)
    return {grpc::StatusCode::INVALID_ARGUMENT,
            fmt::format("protocol {}, this POP speaks {}", request->protocol(), protocol_version)};
  if (const auto keys = read_secrets(request->secrets())) {
    reply->set_not_stored(tables_.load_secrets(*keys).not_stored);
    reply->set_applied(true);
    spdlog::info("{} cookie secrets are in use", keys->count);
  } else {
    reply->set_reason(keys.refusal().text());
    spdlog::warn("secrets refused: {}", reply->reason());
  }
  const auto running = tables_.running();
  reply->set_generation(running->number);
  fill_secrets(*reply->mutable_cookies(), running->cookie_keys);
  return grpc::Status::OK;
}

grpc::Status ControlService::Confirm(grpc::ServerContext*, const pop::v1::ConfirmRequest* request,
                                     pop::v1::ConfirmReply* reply) {
  std::vector<TableDigest> digests;
  for (const std::string& bytes : request->digests()) {
    TableDigest digest;
    if (bytes.size() != digest.size())
      return {grpc::StatusCode::INVALID_ARGUMENT,
              fmt::format("a digest has {} bytes, not {}", digest.size(), bytes.size())};
    std::ranges::copy(bytes, digest.begin());
    digests.push_back(digest);
  }
  const Result<Confirmed> confirmed = tables_.confirm(request->generation(), digests);
  if (confirmed) {
    reply->set_confirmed(true);
    reply->set_not_stored(confirmed->not_stored);
  } else {
    reply->set_reason(confirmed.refusal().text());
    spdlog::warn("confirmation refused: {}", reply->reason());
  }
  fill_tables(*reply, confirmed ? *confirmed->generation : *tables_.running());
  return grpc::Status::OK;
}

grpc::Status ControlService::Revert(grpc::ServerContext*, const pop::v1::RevertRequest* request,
                                    pop::v1::RevertReply* reply) {
  const auto reverted = tables_.revert(request->generation());
  if (reverted) {
    reply->set_reverted(true);
  } else {
    reply->set_reason(reverted.refusal().text());
    spdlog::warn("revert refused: {}", reply->reason());
  }
  fill_tables(*reply, reverted ? **reverted : *tables_.running());
  return grpc::Status::OK;
}

grpc::Status ControlService::Status(grpc::ServerContext*, const pop::v1::StatusRequest*, pop::v1::StatusReply* reply) {
  const Running state = tables_.state();
  const auto& running = state.generation;
  reply->set_protocol(protocol_version);
  reply->set_name(config_.name);
  reply->set_version(config_.version);
  reply->set_started(started_);
  for (const char* feature : features) reply->add_features(feature);
  fill_tables(*reply, *running);
  fill_unconfirmed(*reply, state);
  for (const core::PublicKey& key : tables_.trusted()) {
    const core::KeyId id = key.id();
    reply->add_trusted_key_ids(id.data(), id.size());
  }
  fill_secrets(*reply->mutable_cookie_secrets(), running->cookie_keys);
  fill_ports(*reply, ports_);
  fill_counters(*reply, workers_);
  if (running->zone != nullptr) fill_zones(*reply, running->zone->table);
  if (running->policy != nullptr) fill_policy(*reply, *running->policy);
  if (clock_ != nullptr) fill(*reply->mutable_clock(), clock_->status());
  return grpc::Status::OK;
}

} // namespace anytick::io
