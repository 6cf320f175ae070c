#include "control/scores/prune.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <soci/soci.h>

#include "control/scores/history_block.h"
#include "control/store/bulk_insert.h"

namespace anytick::scores {
namespace {

/// Hours of servers that one transaction prunes.
constexpr long long part = 1000;
constexpr int64_t day_seconds = 86400;

struct ThinHour {
  long long server = 0;
  long long hour = 0;
  HistoryBlock block{0};
};

/// Returns how many were removed: none, then there are none.
uint64_t remove_part(store::Database& database, long long from_hour) {
  long long removed = 0;
  database.transact([&](soci::session& sql) {
    store::lock_table(sql, "scored");
    soci::statement remove =
        (sql.prepare << "DELETE FROM history WHERE hour < :below AND (server, hour) IN (SELECT server, hour FROM "
                        "history WHERE hour < :from ORDER BY hour LIMIT :most)",
         soci::use(from_hour), soci::use(from_hour), soci::use(part));
    remove.execute(true);
    removed = remove.get_affected_rows();
  });
  return static_cast<uint64_t>(removed);
}

std::vector<ThinHour> whole_hours(soci::session& sql, long long from_hour) {
  std::vector<ThinHour> found;
  ThinHour each;
  std::string lines;
  soci::statement query =
      (sql.prepare << "SELECT server, hour, lines FROM history WHERE thin = 0 AND hour < :from "
                      "ORDER BY hour, server LIMIT :most",
       soci::use(from_hour), soci::use(part), soci::into(each.server), soci::into(each.hour), soci::into(lines));
  query.execute();
  while (query.fetch()) {
    each.block = HistoryBlock(each.hour, lines);
    found.push_back(each);
  }
  return found;
}

/// Returns how many are thin now.
uint64_t thin_part(store::Database& database, long long from_hour) {
  uint64_t thinned = 0;
  database.transact([&](soci::session& sql) {
    store::lock_table(sql, "scored");
    std::vector<ThinHour> hours = whole_hours(sql, from_hour);
    store::BulkInsert<long long, long long, long long, std::string> blocks(
        sql, "INSERT INTO history (server, hour, thin, lines)",
        "ON CONFLICT (server, hour) DO UPDATE SET thin = excluded.thin, lines = excluded.lines");
    for (ThinHour& each : hours) {
      each.block.thin();
      if (blocks.full()) blocks.flush();
      blocks.next() = {each.server, each.hour, 1, each.block.lines()};
    }
    blocks.flush();
    thinned = hours.size();
  });
  return thinned;
}

int64_t days_before(uint32_t days, int64_t now) {
  return days == 0 ? std::numeric_limits<int64_t>::max() : now - days * day_seconds;
}

} // namespace

Retention retention_of(uint32_t history_days, uint32_t full_history_days, int64_t now) {
  return {.from = days_before(history_days, now), .full_from = days_before(full_history_days, now)};
}

Pruned prune(store::Database& database, const Retention& retention) {
  Pruned done;
  const auto repeat = [&](uint64_t& count, uint64_t (*work)(store::Database&, long long), int64_t from) {
    while (const uint64_t now = work(database, hour_of(std::max<int64_t>(from, 0)))) {
      count += now;
      if (now < part) return;
    }
  };
  repeat(done.removed, remove_part, retention.from);
  repeat(done.thinned, thin_part, retention.full_from);
  return done;
}

} // namespace anytick::scores
