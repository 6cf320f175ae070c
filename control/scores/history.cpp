#include "control/scores/history.h"

#include <string>
#include <utility>

#include <soci/soci.h>

namespace anytick::scores {
namespace {

/// Hours that are read at once.
constexpr long long page_hours = 24;

std::optional<long long> id_of(soci::session& sql, const geo::Address& server) {
  const std::string address = geo::to_text(server);
  long long id = 0;
  sql << "SELECT id FROM scored WHERE address = :address", soci::use(address), soci::into(id);
  return sql.got_data() ? std::optional(id) : std::nullopt;
}

/// Reads a server's hours, page by page, until `take` says that it has enough.
template <class Take>
void read_hours(soci::session& sql, const geo::Address& server, bool newest_first, long long hour, const Take& take) {
  const auto id = id_of(sql, server);
  if (!id) return;
  const std::string condition = newest_first ? "hour <= :hour ORDER BY hour DESC" : "hour >= :hour ORDER BY hour";
  long long found = 0;
  std::string lines;
  soci::statement query =
      (sql.prepare << "SELECT hour, lines FROM history WHERE server = :server AND " + condition + " LIMIT :most",
       soci::use(*id), soci::use(hour), soci::use(page_hours), soci::into(found), soci::into(lines));
  for (long long hours = page_hours; hours == page_hours;) {
    hours = 0;
    query.execute();
    while (query.fetch()) {
      ++hours;
      hour = newest_first ? found - 1 : found + 1;
      if (!take(HistoryBlock(found, lines).rows())) return;
    }
  }
}

/// Follows an overall score from row to row.
class CrossingSearch {
 public:
  CrossingSearch(double bound, const std::map<uint32_t, MonitorStatus>& statuses)
      : bound_(bound), statuses_(statuses) {}

  void take(const HistoryRow& row) {
    // What monitors said in one second counts together.
    if (row.when != now_) judge();
    now_ = row.when;
    const auto status = statuses_.find(row.monitor);
    latest_.insert_or_assign(
        row.monitor, Latest{row.when, row.score, status == statuses_.end() ? MonitorStatus::active : status->second});
  }

  std::optional<Crossing> last() {
    judge();
    return last_;
  }

 private:
  void judge() {
    scores_.clear();
    for (const auto& [monitor, each] : latest_) scores_.push_back(each);
    const std::optional<double> score = recent_median(scores_, now_);
    if (!score) return;
    const bool above = *score >= bound_;
    if (above_ && *above_ != above) last_ = Crossing{now_, above, *score};
    above_ = above;
  }

  double bound_;
  const std::map<uint32_t, MonitorStatus>& statuses_;
  std::map<uint32_t, Latest> latest_;
  std::vector<Latest> scores_;
  int64_t now_ = 0;
  std::optional<bool> above_;
  std::optional<Crossing> last_;
};

} // namespace

std::vector<HistoryRow> newest_rows(store::Database& database, const geo::Address& server, size_t most,
                                    std::optional<uint32_t> monitor, int64_t until) {
  std::vector<HistoryRow> rows;
  database.read([&](soci::session& sql) {
    rows.clear();
    if (most == 0) return;
    read_hours(sql, server, true, hour_of(until), [&](std::vector<HistoryRow> hour) {
      for (auto row = hour.rbegin(); row != hour.rend() && rows.size() < most; ++row)
        if (row->when <= until && (!monitor || row->monitor == *monitor)) rows.push_back(std::move(*row));
      return rows.size() < most;
    });
  });
  return rows;
}

std::optional<Crossing> last_crossing(store::Database& database, const geo::Address& server, double bound,
                                      const std::map<uint32_t, MonitorStatus>& statuses) {
  std::optional<Crossing> last;
  database.read([&](soci::session& sql) {
    CrossingSearch search(bound, statuses);
    read_hours(sql, server, false, 0, [&](const std::vector<HistoryRow>& hour) {
      for (const HistoryRow& row : hour) search.take(row);
      return true;
    });
    last = search.last();
  });
  return last;
}

} // namespace anytick::scores
