#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>

#include "control/scores/batch_writer.h"
#include "control/scores/ingest.h"
#include "control/scores/scoreboard.h"
#include "control/store/database.h"

namespace anytick::scores {

struct StoreOptions {
  /// Rows before that (s since 1970) are not kept as history; the largest: none is.
  int64_t history_from = std::numeric_limits<int64_t>::min();
  /// What one transaction takes at most. Memory is about 250 bytes for each. More of them at once write less.
  size_t batch_rows = 400'000;
};

/// The scoreboard in the hub's database, and a copy of it in memory: about 1 KB for a server and monitor.
///
/// Several may work on one database, in any processes, and the rows of all of them count as if one had taken them in
/// some order: who writes locks the table scored (with SQLite the database), reads what others changed, folds its rows
/// and writes, all in one transaction. The lock is held for seconds at most, `batch_rows` of a file at a time; readers
/// do not wait for it. After a crash or an error what was committed stands, and the same file again adds the rest.
///
/// One thread's at a time. Errors of the database are thrown (soci::soci_error); then it may be used on.
class StoredBoard {
 public:
  /// Empty until it is refreshed or written to. The database must outlive it.
  explicit StoredBoard(store::Database& database) : database_(database) {}

  /// Reads what others changed since the last time.
  void refresh();
  /// As of the last refresh or what this wrote itself. Not to be kept over a call that changes it.
  const Scoreboard& board() const { return *board_; }
  /// Of all servers that have a score at `now` (s since 1970), without a look into the database.
  std::map<geo::Address, double> overall(int64_t now) const;

  /// Takes a file's rows; they are durable when this returns. The same file again changes nothing, in the scores and,
  /// unless what is history was pruned, in that. `progress` is told the rows that were committed so far.
  using Progress = std::function<void(uint64_t rows)>;
  Ingested ingest(const std::string& path, const IngestOptions& options, const StoreOptions& storing,
                  const Progress& progress);

  /// No server counts what this monitor says as of a more trusted one. False: nobody knows the monitor.
  bool limit(uint32_t monitor, MonitorStatus at_most);

 private:
  friend class BatchSink;

  void take(const RowBatch& batch, int64_t history_from, std::array<uint64_t, taken_count>& taken);
  void read_changes(soci::session& sql);
  void read_monitors(soci::session& sql);
  void read_standings(soci::session& sql);

  store::Database& database_;
  std::optional<Scoreboard> board_{std::in_place};
  ServerIds ids_;
  long long seen_ = 0;    ///< the last change that board_ has
  bool is_ahead_ = false; ///< board_ may have what was not committed
};

} // namespace anytick::scores
