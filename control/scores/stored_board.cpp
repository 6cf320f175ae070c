#include "control/scores/stored_board.h"

#include <stdexcept>
#include <utility>

#include "control/scores/row_batch.h"
#include "control/scores/standing_text.h"

namespace anytick::scores {
namespace {

long long newest_change(soci::session& sql) {
  long long newest = 0;
  sql << "SELECT COALESCE(MAX(last), 0) FROM ids WHERE kind = 'scores'", soci::into(newest);
  return newest;
}

[[noreturn]] void fail(const std::string& server, long long monitor) {
  throw std::runtime_error("standings: what is stored of " + server + " and monitor " + std::to_string(monitor) +
                           " cannot be read");
}

} // namespace

/// Collects a file's rows and has them taken, batch by batch.
class BatchSink : public RowSink {
 public:
  BatchSink(StoredBoard& board, const StoreOptions& options, const StoredBoard::Progress& progress)
      : board_(board), options_(options), progress_(progress) {}

  void take(const Row& row) override {
    batch_.take(row);
    ++rows_;
    if (batch_.size() >= options_.batch_rows) commit();
  }
  void take(const geo::Address& server, const Monitor& monitor) override { batch_.take(server, monitor); }

  void commit() {
    board_.take(batch_, options_.history_from, taken_);
    batch_.clear();
    if (progress_) progress_(rows_);
  }

  const std::array<uint64_t, taken_count>& taken() const { return taken_; }

 private:
  StoredBoard& board_;
  const StoreOptions& options_;
  const StoredBoard::Progress& progress_;
  RowBatch batch_;
  uint64_t rows_ = 0;
  std::array<uint64_t, taken_count> taken_{};
};

void StoredBoard::refresh() {
  database_.read([this](soci::session& sql) { read_changes(sql); });
}

void StoredBoard::read_changes(soci::session& sql) {
  if (is_ahead_) {
    board_.emplace();
    ids_.clear();
    seen_ = 0;
    is_ahead_ = false;
  }
  const long long newest = newest_change(sql);
  if (newest == seen_) return;
  read_monitors(sql);
  read_standings(sql);
  seen_ = newest;
}

void StoredBoard::read_monitors(soci::session& sql) {
  long long id = 0;
  std::string name, at_most;
  soci::statement query =
      (sql.prepare << "SELECT id, name, at_most FROM monitors", soci::into(id), soci::into(name), soci::into(at_most));
  query.execute();
  while (query.fetch()) {
    const auto monitor = static_cast<uint32_t>(id);
    board_->take({}, {.id = monitor, .name = name});
    board_->limit(monitor, status_named(at_most).value_or(MonitorStatus::active));
  }
}

void StoredBoard::read_standings(soci::session& sql) {
  long long server = 0, monitor = 0, checks = 0, base_when = 0;
  Standing standing;
  std::string address_text, status_text, recent_text;
  soci::statement query =
      (sql.prepare << "SELECT s.id, s.address, t.monitor, t.status, t.checks, t.score, t.base, t.base_time, t.recent "
                      "FROM scored s JOIN standings t ON t.server = s.id WHERE s.changed > :seen",
       soci::use(seen_), soci::into(server), soci::into(address_text), soci::into(monitor), soci::into(status_text),
       soci::into(checks), soci::into(standing.score), soci::into(standing.base), soci::into(base_when),
       soci::into(recent_text));
  query.execute();
  while (query.fetch()) {
    const auto address = geo::parse_address(address_text);
    const auto status = status_named(status_text);
    auto recent = read_recent(recent_text);
    if (!address || !status || !recent || recent->empty() != (checks == 0)) fail(address_text, monitor);
    standing.monitor = static_cast<uint32_t>(monitor);
    standing.status = *status;
    standing.checks = static_cast<uint64_t>(checks);
    standing.base_when = base_when;
    standing.recent = *std::move(recent);
    ids_[*address] = server;
    board_->restore(*address, standing);
  }
}

std::map<geo::Address, double> StoredBoard::overall(int64_t now) const {
  std::map<geo::Address, double> scores;
  for (const auto& [address, standings] : board_->servers())
    if (const auto score = board_->overall(standings, now)) scores.emplace_hint(scores.end(), address, *score);
  return scores;
}

Ingested StoredBoard::ingest(const std::string& path, const IngestOptions& options, const StoreOptions& storing,
                             const Progress& progress) {
  BatchSink sink(*this, storing, progress);
  Ingested told = read_into(path, options, sink);
  sink.commit();
  told.taken = sink.taken();
  return told;
}

void StoredBoard::take(const RowBatch& batch, int64_t history_from, std::array<uint64_t, taken_count>& taken) {
  if (batch.size() == 0 && batch.names().empty()) return;
  std::array<uint64_t, taken_count> now{};
  long long change = 0;
  database_.transact([&](soci::session& sql) {
    store::lock_table(sql, "scored");
    read_changes(sql);
    is_ahead_ = true;
    BatchWriter writer(sql, *board_, ids_, history_from);
    writer.write(batch);
    now = writer.taken();
    change = writer.change();
  });
  is_ahead_ = false;
  if (change != 0) seen_ = change;
  for (size_t kind = 0; kind < taken.size(); ++kind) taken[kind] += now[kind];
}

bool StoredBoard::limit(uint32_t monitor, MonitorStatus at_most) {
  const long long id = monitor;
  const std::string status(status_name(at_most));
  bool is_known = false;
  database_.transact([&](soci::session& sql) {
    store::lock_table(sql, "scored");
    long long known = 0;
    sql << "SELECT (SELECT COUNT(*) FROM monitors WHERE id = :a) + (SELECT COUNT(*) FROM standings WHERE monitor = :b)",
        soci::use(id), soci::use(id), soci::into(known);
    is_known = known > 0;
    if (!is_known) return;
    sql << "INSERT INTO monitors (id, name, at_most) VALUES (:id, '', :status) "
           "ON CONFLICT (id) DO UPDATE SET at_most = excluded.at_most",
        soci::use(id), soci::use(status);
    store::next_id(sql, "scores");
  });
  refresh();
  return is_known;
}

} // namespace anytick::scores
