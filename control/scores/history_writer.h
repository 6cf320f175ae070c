#pragma once

#include <functional>
#include <string>
#include <vector>

#include <soci/soci.h>

#include "control/scores/history_block.h"
#include "control/store/bulk_insert.h"

namespace anytick::scores {

/// Writes rows to the table history, within one transaction that has scored locked.
class HistoryWriter {
 public:
  /// `before_insert` makes sure that the servers are there.
  HistoryWriter(soci::session& sql, std::function<void()> before_insert);
  HistoryWriter(const HistoryWriter&) = delete;
  HistoryWriter& operator=(const HistoryWriter&) = delete;

  /// Adds rows of one server, in any order; of one second and monitor the first of all times stays. `rescored` are by
  /// time and monitor, of whatever was written before or is in `rows`. A server is written once.
  void write(long long server, std::vector<HistoryRow>& rows, const std::vector<HistoryRow>& rescored);
  void flush();

 private:
  struct Stored {
    int64_t hour;
    bool thin;
    HistoryBlock block;
  };

  void read(long long server, int64_t first_hour, int64_t last_hour);
  void insert(long long server, const Stored& stored);

  soci::session& sql_;
  std::function<void()> before_insert_;
  std::vector<Stored> there_; ///< of the server at work, by hour
  store::BulkInsert<long long, long long, long long, std::string> blocks_;

  // The query for what is there, and what it binds.
  long long asked_server_ = 0, first_ = 0, last_ = 0, hour_ = 0, thin_ = 0;
  std::string lines_;
  soci::statement query_;
};

} // namespace anytick::scores
