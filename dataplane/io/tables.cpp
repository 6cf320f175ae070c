#include "dataplane/io/tables.h"

#include <cstdlib>
#include <ctime>
#include <new>
#include <thread>
#include <utility>

#include <spdlog/spdlog.h>

namespace anytick::io {
namespace {

using Clock = std::chrono::steady_clock;

uint64_t now_seconds() {
  return static_cast<uint64_t>(std::time(nullptr));
}

TableInfo describe(const core::ZoneImage& image) {
  const core::ZoneHeader& header = image.header();
  return {TableKind::zone, header.format,  image.bytes().size(), header.digest,
          header.serial,   header.created, now_seconds()};
}

TableInfo describe(const geo::Map& map) {
  return {TableKind::geo, geo::Map::format_version, map.bytes().size(), map.digest(), 0, map.created(), now_seconds()};
}

/// The table is validated where nobody can write to it any more.
template <class Table> Result<std::shared_ptr<const LoadedTable<Table>>> validated(TableMemory memory) {
  const auto bytes = memory.freeze();
  if (!bytes) return bytes.refusal();
  Result<Table> table = Table::validate(*bytes);
  if (!table) return table.refusal();
  const TableInfo info = describe(*table);
  LoadedTable<Table> loaded{std::move(memory), std::move(*table), info};
  return std::make_shared<const LoadedTable<Table>>(std::move(loaded));
}

} // namespace

std::vector<TableInfo> Generation::tables() const {
  std::vector<TableInfo> list;
  if (zone != nullptr) list.push_back(zone->info);
  if (geo != nullptr) list.push_back(geo->info);
  return list;
}

void Tables::QsbrDeleter::operator()(rte_rcu_qsbr* qsbr) const {
  std::free(qsbr);
}

Tables::Tables(unsigned readers, TableStore store)
    : store_(std::move(store)), running_(std::make_shared<const Generation>()), current_(running_.get()) {
  const size_t size = rte_rcu_qsbr_get_memsize(readers);
  qsbr_.reset(static_cast<rte_rcu_qsbr*>(std::aligned_alloc(RTE_CACHE_LINE_SIZE, size)));
  if (qsbr_ == nullptr || rte_rcu_qsbr_init(qsbr_.get(), readers) != 0) throw std::bad_alloc();
}

Result<Applied> Tables::load(NewTables tables) {
  const auto start = Clock::now();
  const std::lock_guard lock(publishing_);
  const bool zone = tables.zone.has_value();
  const bool geo = tables.geo.has_value();
  Result<std::shared_ptr<const Generation>> next = build(std::move(tables));
  if (!next) return next.refusal();
  publish(*next);
  const auto elapsed = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start);
  save(**next, zone, geo);
  return Applied{*next, elapsed};
}

void Tables::load_stored(uint64_t limit) {
  const std::lock_guard lock(publishing_);
  for (const TableKind kind : table_kinds) {
    Result<std::optional<TableMemory>> memory = store_.load(kind, limit);
    if (memory && !memory->has_value()) continue;
    NewTables tables;
    if (memory) (kind == TableKind::zone ? tables.zone : tables.geo) = std::move(*memory);
    const auto next = memory ? build(std::move(tables)) : Result<std::shared_ptr<const Generation>>(memory.refusal());
    if (!next) {
      spdlog::error("the stored {} is left out: {}", table_name(kind), next.refusal().text());
      continue;
    }
    publish(*next);
    spdlog::info("the stored {} runs", table_name(kind));
  }
}

std::shared_ptr<const Generation> Tables::running() const {
  const std::lock_guard lock(holding_);
  return running_;
}

Result<std::shared_ptr<const Generation>> Tables::build(NewTables tables) const {
  auto next = std::make_shared<Generation>();
  const std::shared_ptr<const Generation> present = running();
  next->number = present->number + 1;
  next->zone = present->zone;
  next->geo = present->geo;
  if (tables.zone) {
    auto zone = validated<core::ZoneImage>(std::move(*tables.zone));
    if (!zone) return zone.refusal();
    next->zone = *zone;
  }
  if (tables.geo) {
    auto geo = validated<geo::Map>(std::move(*tables.geo));
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
  return std::shared_ptr<const Generation>(std::move(next));
}

void Tables::publish(std::shared_ptr<const Generation> next) {
  current_.store(next.get(), std::memory_order_release);
  {
    const std::lock_guard lock(holding_);
    running_.swap(next);
  }
  wait_for_readers(); // then `next`, the old generation, is released
}

void Tables::wait_for_readers() {
  const uint64_t token = rte_rcu_qsbr_start(qsbr_.get());
  // Sleeps between checks: a publisher may share its CPU with the very reader that it waits for.
  while (rte_rcu_qsbr_check(qsbr_.get(), token, false) == 0) std::this_thread::sleep_for(std::chrono::microseconds(10));
}

void Tables::save(const Generation& generation, bool zone, bool geo) const {
  const auto save = [this](TableKind kind, const TableMemory& memory) {
    if (const auto refusal = store_.save(kind, memory.bytes())) {
      spdlog::error("the {} runs but could not be stored: {}", table_name(kind), refusal->text());
    }
  };
  if (zone) save(TableKind::zone, generation.zone->memory);
  if (geo) save(TableKind::geo, generation.geo->memory);
}

TableReader::TableReader(Tables& tables, unsigned id) : current_(tables.current_), qsbr_(tables.qsbr_.get()), id_(id) {
  rte_rcu_qsbr_thread_register(qsbr_, id_);
  online();
}

TableReader::~TableReader() {
  offline();
  rte_rcu_qsbr_thread_unregister(qsbr_, id_);
}

} // namespace anytick::io
