#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <soci/soci.h>

#include "control/scores/history_writer.h"
#include "control/scores/row_batch.h"
#include "control/scores/scoreboard.h"
#include "control/store/bulk_insert.h"

namespace anytick::scores {

using ServerIds = std::map<geo::Address, long long>; ///< of table scored

/// Takes rows into a scoreboard and what they changed into the tables it came of, within one transaction. What it did
/// to the scoreboard stays where the transaction does not: that is read again then.
class BatchWriter {
 public:
  /// Rows before `history_from` (s since 1970) are not kept as history.
  BatchWriter(soci::session& sql, Scoreboard& board, ServerIds& ids, int64_t history_from);

  void write(const RowBatch& batch);

  const std::array<uint64_t, taken_count>& taken() const { return taken_; }
  long long change() const { return change_; } ///< its number; 0: standings and monitors are as they were

 private:
  void write_names(const RowBatch& batch);
  void write_server(const RowBatch& batch, const RowBatch::Server& server);
  void set_statuses(const RowBatch::Server& server);
  void fold(const Row& row);
  void rescore(const Standing& standing, int64_t from);
  void write_standings(const geo::Address& server, long long id);
  void flush();
  long long change_number();
  long long id_of(const geo::Address& server);

  soci::session& sql_;
  Scoreboard& board_;
  ServerIds& ids_;
  int64_t history_from_;
  std::array<uint64_t, taken_count> taken_{};
  long long change_ = 0;

  std::vector<uint32_t> changed_; ///< monitors of the server at work; some several times
  std::vector<HistoryRow> kept_;
  std::map<std::pair<int64_t, uint32_t>, double> rescored_; ///< by time and monitor: what late rows changed behind them

  store::BulkInsert<long long, std::string, long long> servers_;
  store::BulkInsert<long long, long long, std::string, long long, double, double, long long, std::string> standings_;
  HistoryWriter history_;
};

} // namespace anytick::scores
