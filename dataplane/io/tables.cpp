#include "dataplane/io/tables.h"

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <new>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "dataplane/io/secrets.h"

namespace anytick::io {
namespace {

using Clock = std::chrono::steady_clock;

/// Of the text, as far as we read it.
constexpr uint32_t policy_format = 1;

uint64_t now_seconds() {
  return static_cast<uint64_t>(std::time(nullptr));
}

TableInfo describe(const core::ZoneImage& image) {
  const core::ZoneHeader& header = image.header();
  return {TableKind::zone, header.format,  image.bytes().size(), header.digest,
          header.serial,   header.created, now_seconds(),        std::nullopt};
}

TableInfo describe(const geo::Map& map) {
  return {TableKind::geo, geo::Map::format_version, map.bytes().size(), map.digest(), 0, map.created(), now_seconds(),
          std::nullopt};
}

TableInfo describe_policy(std::span<const std::byte> text) {
  return {TableKind::policy, policy_format, text.size(), core::policy_digest(text), 0, 0, now_seconds(), std::nullopt};
}

core::SignedTable signed_table(TableKind kind) {
  switch (kind) {
  case TableKind::zone:
    return core::SignedTable::zone_image;
  case TableKind::geo:
    return core::SignedTable::geo_map;
  case TableKind::policy:
    return core::SignedTable::policy;
  }
  std::abort();
}

using TrustedKeys = std::vector<core::PublicKey>;

/// Finds the trusted key that signed a table and leaves only its signature. Precondition: the digest, which is all that
/// was signed, was computed from the table's bytes, as validate() does.
std::optional<Refusal> authenticate(TableInfo& info, Signatures& signatures, const TrustedKeys& trusted) {
  if (trusted.empty()) return std::nullopt;
  for (const core::PublicKey& key : trusted) {
    for (const core::Signature& signature : signatures) {
      if (!core::verify_table(key, signed_table(info.kind), info.digest, signature)) continue;
      info.signed_by = key.id();
      signatures = {core::Signature(signature)};
      return std::nullopt;
    }
  }
  return Refusal{fmt::format("{}: signature", table_name(info.kind)), "",
                 signatures.empty() ? "missing, but this POP takes only what a trusted key signed"
                                    : "not one of this table by a trusted key"};
}

std::optional<Refusal> refuse_abandoned(const Abandoned& abandoned) {
  if (!abandoned || !abandoned()) return std::nullopt;
  return Refusal{"load", "", "abandoned before it was published"};
}

/// The table is validated where nobody can write to it any more.
template <class Table>
Result<std::shared_ptr<const LoadedTable<Table>>> validated(NewTable incoming, const TrustedKeys& trusted) {
  const auto bytes = incoming.memory.freeze();
  if (!bytes) return bytes.refusal();
  Result<Table> table = Table::validate(*bytes);
  if (!table) return table.refusal();
  TableInfo info = describe(*table);
  if (auto refusal = authenticate(info, incoming.signatures, trusted)) return std::move(*refusal);
  LoadedTable<Table> loaded{std::move(incoming.memory), std::move(*table), info, std::move(incoming.signatures)};
  return std::make_shared<const LoadedTable<Table>>(std::move(loaded));
}

} // namespace

std::vector<TableInfo> Generation::tables() const {
  std::vector<TableInfo> list;
  if (zone != nullptr) list.push_back(zone->info);
  if (geo != nullptr) list.push_back(geo->info);
  if (policy != nullptr) list.push_back(policy->info());
  return list;
}

std::optional<NewTable>& NewTables::of(TableKind kind) {
  switch (kind) {
  case TableKind::zone:
    return zone;
  case TableKind::geo:
    return geo;
  case TableKind::policy:
    return policy;
  }
  std::abort();
}

std::vector<TableKind> NewTables::kinds() const {
  std::vector<TableKind> kinds;
  if (zone) kinds.push_back(TableKind::zone);
  if (geo) kinds.push_back(TableKind::geo);
  if (policy) kinds.push_back(TableKind::policy);
  return kinds;
}

void Tables::QsbrDeleter::operator()(rte_rcu_qsbr* qsbr) const {
  std::free(qsbr);
}

Tables::Tables(unsigned readers, TableStore store, std::vector<core::PublicKey> trusted, core::Identity identity,
               PolicyCompiler compiler, const ThreadNodes& nodes, SteadyNow now)
    : store_(std::move(store)), trusted_(std::move(trusted)), identity_(std::move(identity)), readers_(readers),
      nodes_(nodes), compiler_(std::move(compiler)), now_(std::move(now)) {
  auto first = std::make_shared<Generation>();
  first->cookie_keys = random_secrets();
  first->view.cookie_keys = &first->cookie_keys;
  first->view.identity = &identity_;
  for (const int node : nodes_.distinct()) first->replicas.emplace_back(node).follow(first->view);
  running_ = std::move(first);
  current_.store(running_.get(), std::memory_order_release);
  const size_t size = rte_rcu_qsbr_get_memsize(readers);
  qsbr_.reset(static_cast<rte_rcu_qsbr*>(std::aligned_alloc(RTE_CACHE_LINE_SIZE, size)));
  if (qsbr_ == nullptr || rte_rcu_qsbr_init(qsbr_.get(), readers) != 0) throw std::bad_alloc();
  watcher_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
}

Result<Applied> Tables::load(NewTables tables, std::chrono::seconds confirm_within, const Abandoned& abandoned) {
  const auto start = Clock::now();
  const std::vector<TableKind> kinds = tables.kinds();
  // Asked here, too, so that no policy is compiled in vain.
  if (auto refusal = waits_for_confirmation()) return std::move(*refusal);
  std::shared_ptr<LoadedPolicy> policy;
  if (tables.policy) {
    auto compiled = compile(std::move(*tables.policy), abandoned);
    if (!compiled) return compiled.refusal();
    policy = std::move(*compiled);
  }
  const std::lock_guard lock(publishing_);
  if (is_due()) bring_back();
  if (auto refusal = waits_for_confirmation()) return std::move(*refusal);
  const Result<std::shared_ptr<const Generation>> next = build(std::move(tables), policy);
  if (!next) return next.refusal();
  if (auto refusal = refuse_abandoned(abandoned)) return std::move(*refusal);
  std::shared_ptr<const Unconfirmed> unconfirmed;
  const auto previous = running();
  if (confirm_within.count() > 0)
    unconfirmed =
        std::make_shared<const Unconfirmed>(Unconfirmed{(*next)->number, previous, kinds, now_() + confirm_within});
  if (policy != nullptr) policy->follow(previous->policy);
  publish(*next, unconfirmed);
  if (policy != nullptr) policy->settle();
  const auto elapsed = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start);
  if (unconfirmed == nullptr) return Applied{*next, elapsed, save(**next, kinds)};
  to_watch_.notify_one();
  return Applied{*next, elapsed, ""};
}

SecretsApplied Tables::load_secrets(const core::CookieKeys& keys) {
  const std::lock_guard lock(publishing_);
  auto next = next_generation();
  next->cookie_keys = keys;
  publish(next, unconfirmed_);
  const std::string bytes = write_secrets(keys).SerializeAsString();
  const auto refusal = store_.save_secrets(std::as_bytes(std::span(bytes)));
  if (!refusal) return {next, ""};
  spdlog::error("the secrets are in use but could not be stored: {}", refusal->text());
  return {next, refusal->text()};
}

void Tables::load_stored_secrets() {
  const auto bytes = store_.load_secrets();
  pop::v1::Secrets message;
  if (bytes && !bytes->has_value()) return;
  if (bytes && !message.ParseFromString(**bytes)) {
    spdlog::error("the stored secrets are left out: damaged");
    return;
  }
  const auto keys = bytes ? read_secrets(message) : Result<core::CookieKeys>(bytes.refusal());
  if (!keys) {
    spdlog::error("the stored secrets are left out: {}", keys.refusal().text());
    return;
  }
  auto next = next_generation();
  next->cookie_keys = *keys;
  publish(std::move(next), nullptr);
  spdlog::info("the stored secrets are in use");
}

void Tables::load_stored(uint64_t limit) {
  const std::lock_guard lock(publishing_);
  load_stored_secrets();
  for (const TableKind kind : table_kinds) {
    Result<std::optional<NewTable>> table = stored(kind, limit);
    if (table && !table->has_value()) continue;
    const auto next = table ? build_stored(kind, std::move(**table)) : table.refusal();
    if (!next) {
      spdlog::error("the stored {} is left out: {}", table_name(kind), next.refusal().text());
      continue;
    }
    publish(*next, nullptr);
    spdlog::info("the stored {} runs", table_name(kind));
  }
}

Result<std::shared_ptr<const Generation>> Tables::build_stored(TableKind kind, NewTable table) {
  if (kind != TableKind::policy) {
    NewTables tables;
    tables.of(kind) = std::move(table);
    return build(std::move(tables), nullptr);
  }
  auto policy = compile(std::move(table), {});
  if (!policy) return policy.refusal();
  return build({}, std::move(*policy));
}

std::shared_ptr<const Generation> Tables::running() const {
  const std::lock_guard lock(holding_);
  return running_;
}

/// The running one with a number of its own.
std::shared_ptr<Generation> Tables::next_generation() const {
  return renumbered(*running());
}

/// Those tables as the next generation, with the secrets that run.
std::shared_ptr<Generation> Tables::renumbered(const Generation& tables) const {
  auto next = std::make_shared<Generation>(tables);
  const auto now = running();
  next->number = now->number + 1;
  next->cookie_keys = now->cookie_keys;
  next->view.cookie_keys = &next->cookie_keys;
  for (Replica& replica : next->replicas) replica.follow(next->view); // of the same tables: there is nothing to refuse
  return next;
}

std::optional<size_t> Tables::replica_of(unsigned reader) const {
  const int node = nodes_.of(reader);
  if (node == any_node) return std::nullopt;
  const std::vector<int> nodes = nodes_.distinct();
  return static_cast<size_t>(std::ranges::find(nodes, node) - nodes.begin());
}

Result<std::shared_ptr<LoadedPolicy>> Tables::compile(NewTable incoming, const Abandoned& abandoned) {
  const auto text = incoming.memory.freeze();
  if (!text) return text.refusal();
  TableInfo info = describe_policy(*text);
  // First of all: strangers' patterns are not worth any of our time.
  if (auto refusal = authenticate(info, incoming.signatures, trusted_)) return std::move(*refusal);
  const std::lock_guard lock(compiling_);
  if (auto refusal = refuse_abandoned(abandoned)) return std::move(*refusal);
  const Result<core::CompiledPatterns> compiled = compiler_.compile(*text, abandoned);
  if (!compiled) return compiled.refusal();
  core::ParsedPolicy parsed = core::parse_policy({reinterpret_cast<const char*>(text->data()), text->size()}, "policy");
  if (!parsed.faults.empty()) return parsed.faults.front();
  const unsigned workers = std::max(readers_, 2u) - 1;
  auto policy = core::Policy::build(std::move(parsed.rules), *compiled, readers_, workers);
  if (!policy) return policy.refusal();
  return std::make_shared<LoadedPolicy>(std::move(incoming.memory), std::move(*policy), readers_, info,
                                        std::move(incoming.signatures));
}

/// `policy`, if any, is that of the tables.
Result<std::shared_ptr<const Generation>> Tables::build(NewTables tables, std::shared_ptr<LoadedPolicy> policy) const {
  auto next = next_generation();
  if (tables.zone) {
    auto zone = validated<core::ZoneImage>(std::move(*tables.zone), trusted_);
    if (!zone) return zone.refusal();
    next->zone = *zone;
  }
  if (tables.geo) {
    auto geo = validated<geo::Map>(std::move(*tables.geo), trusted_);
    if (!geo) return geo.refusal();
    next->geo = *geo;
  }
  if (next->geo != nullptr) next->view.map = &next->geo->table;
  if (next->zone != nullptr) {
    auto join = core::Join::build(next->zone->table, next->view.map);
    if (!join) return join.refusal();
    next->join = std::move(*join);
    next->view.image = &next->zone->table;
    next->view.join = next->join.get();
  }
  if (policy != nullptr) {
    const core::Policy& rules = policy->policy();
    next->view.policy = rules.rules().empty() ? nullptr : &rules;
    next->policy = std::move(policy);
  }
  for (Replica& replica : next->replicas)
    if (auto refusal = replica.follow(next->view)) return std::move(*refusal);
  return std::shared_ptr<const Generation>(std::move(next));
}

void Tables::publish(std::shared_ptr<const Generation> next, std::shared_ptr<const Unconfirmed> unconfirmed) {
  current_.store(next.get(), std::memory_order_release);
  {
    const std::lock_guard lock(holding_);
    running_.swap(next);
    unconfirmed_.swap(unconfirmed);
  }
  wait_for_readers(); // then `next`, the old generation, is released
}

void Tables::wait_for_readers() {
  const uint64_t token = rte_rcu_qsbr_start(qsbr_.get());
  // Sleeps between checks: a publisher may share its CPU with the very reader that it waits for.
  while (rte_rcu_qsbr_check(qsbr_.get(), token, false) == 0) std::this_thread::sleep_for(std::chrono::microseconds(10));
}

Result<std::optional<NewTable>> Tables::stored(TableKind kind, uint64_t limit) const {
  Result<std::optional<TableMemory>> memory = store_.load(kind, limit);
  if (!memory) return memory.refusal();
  if (!memory->has_value()) return std::optional<NewTable>();
  Result<Signatures> signatures = store_.load_signatures(kind);
  // Where no key is trusted, a table runs without its signature all the same.
  if (!signatures) spdlog::error("the signature of the stored {}: {}", table_name(kind), signatures.refusal().text());
  return std::optional<NewTable>({std::move(**memory), signatures ? std::move(*signatures) : Signatures()});
}

/// Why they could not be stored, or "".
std::string Tables::save(const Generation& generation, const std::vector<TableKind>& kinds) const {
  std::vector<TableToStore> tables;
  for (const TableKind kind : kinds) {
    switch (kind) {
    case TableKind::zone:
      tables.push_back({kind, generation.zone->memory.bytes(), generation.zone->signatures});
      break;
    case TableKind::geo:
      tables.push_back({kind, generation.geo->memory.bytes(), generation.geo->signatures});
      break;
    case TableKind::policy:
      tables.push_back({kind, generation.policy->text(), generation.policy->signatures()});
      break;
    }
  }
  const auto refusal = store_.save(tables);
  if (!refusal) return "";
  spdlog::error("the tables run but could not be stored: {}", refusal->text());
  return refusal->text();
}

TableReader::TableReader(Tables& tables, unsigned id)
    : current_(tables.current_), qsbr_(tables.qsbr_.get()), id_(id), replica_(tables.replica_of(id)) {
  rte_rcu_qsbr_thread_register(qsbr_, id_);
  online();
}

TableReader::~TableReader() {
  offline();
  rte_rcu_qsbr_thread_unregister(qsbr_, id_);
}

} // namespace anytick::io
