#include "control/scores/batch_writer.h"

#include <algorithm>

#include "control/scores/standing_text.h"
#include "control/store/database.h"

namespace anytick::scores {
namespace {

HistoryRow rescored_row(int64_t when, uint32_t monitor, double score) {
  return history_row({.server = {}, .monitor = monitor, .when = when}, score);
}

} // namespace

BatchWriter::BatchWriter(soci::session& sql, Scoreboard& board, ServerIds& ids, int64_t history_from)
    : sql_(sql), board_(board), ids_(ids), history_from_(history_from),
      servers_(sql, "INSERT INTO scored (id, address, changed)",
               "ON CONFLICT (id) DO UPDATE SET changed = excluded.changed"),
      standings_(sql, "INSERT INTO standings (server, monitor, status, checks, score, base, base_time, recent)",
                 "ON CONFLICT (server, monitor) DO UPDATE SET status = excluded.status, checks = excluded.checks, "
                 "score = excluded.score, base = excluded.base, base_time = excluded.base_time, "
                 "recent = excluded.recent"),
      history_(sql, [this] { servers_.flush(); }) {}

void BatchWriter::write(const RowBatch& batch) {
  write_names(batch);
  for (const RowBatch::Server& server : batch.servers()) write_server(batch, server);
  flush();
}

void BatchWriter::write_names(const RowBatch& batch) {
  for (const auto& [monitor, name] : batch.names()) {
    const auto known = board_.monitor_names().find(monitor);
    if (known != board_.monitor_names().end() && known->second == name) continue;
    board_.take({}, {.id = monitor, .name = name});
    change_number();
    const long long id = monitor;
    sql_ << "INSERT INTO monitors (id, name, at_most) VALUES (:id, :name, 'active') "
            "ON CONFLICT (id) DO UPDATE SET name = excluded.name",
        soci::use(id), soci::use(name);
  }
}

void BatchWriter::write_server(const RowBatch& batch, const RowBatch::Server& server) {
  changed_.clear();
  kept_.clear();
  rescored_.clear();
  set_statuses(server);
  batch.each_row(server, [this](const Row& row) { fold(row); });
  if (!changed_.empty()) write_standings(server.address, id_of(server.address));
  if (kept_.empty() && rescored_.empty()) return;
  std::vector<HistoryRow> rescored;
  for (const auto& [check, score] : rescored_)
    if (check.first >= history_from_) rescored.push_back(rescored_row(check.first, check.second, score));
  history_.write(id_of(server.address), kept_, rescored);
}

void BatchWriter::set_statuses(const RowBatch::Server& server) {
  for (const auto& [monitor, status] : server.statuses) {
    const Standing* before = board_.find(server.address, monitor);
    if (before != nullptr && before->status == status) continue;
    board_.take(server.address, {.id = monitor, .status = status});
    changed_.push_back(monitor);
  }
}

void BatchWriter::fold(const Row& row) {
  const auto [taken, standing] = board_.take(row);
  ++taken_[static_cast<size_t>(taken)];
  const bool counted = taken == Taken::counted;
  if (counted) changed_.push_back(row.monitor);
  if (counted && row.when < standing.when()) rescore(standing, row.when);
  if (row.when < history_from_) return;
  // One that is older than all of the window is within its base at once.
  if (counted)
    kept_.push_back(history_row(row, row.when == standing.base_when ? standing.base : standing.score));
  else if (taken == Taken::history)
    kept_.push_back(history_row(row, *row.score));
}

void BatchWriter::rescore(const Standing& standing, int64_t from) {
  double score = standing.base;
  for (const Check& check : standing.recent) {
    score = score_after(score, check);
    if (check.when >= from) rescored_[{check.when, standing.monitor}] = score;
  }
}

void BatchWriter::write_standings(const geo::Address& address, long long id) {
  if (servers_.full()) servers_.flush();
  servers_.next() = {id, geo::to_text(address), change_number()};
  std::sort(changed_.begin(), changed_.end());
  changed_.erase(std::unique(changed_.begin(), changed_.end()), changed_.end());
  for (const uint32_t monitor : changed_) {
    const Standing& standing = *board_.find(address, monitor);
    if (standings_.full()) {
      servers_.flush(); // which they refer to
      standings_.flush();
    }
    auto& [server, number, status, checks, score, base, base_when, recent] = standings_.next();
    server = id;
    number = standing.monitor;
    status = status_name(standing.status);
    checks = static_cast<long long>(standing.checks);
    score = standing.score;
    base = standing.base;
    base_when = standing.base_when;
    write_recent(standing.recent, recent);
  }
}

void BatchWriter::flush() {
  servers_.flush();
  standings_.flush();
  history_.flush();
}

long long BatchWriter::change_number() {
  if (change_ == 0) change_ = store::next_id(sql_, "scores");
  return change_;
}

long long BatchWriter::id_of(const geo::Address& address) {
  const auto [place, is_new] = ids_.try_emplace(address);
  if (is_new) place->second = store::next_id(sql_, "scored");
  return place->second;
}

} // namespace anytick::scores
