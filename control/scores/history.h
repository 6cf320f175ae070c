#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <vector>

#include "control/scores/history_block.h"
#include "control/scores/median.h"
#include "control/store/database.h"

/// The rows behind the scores, in the hub's database. Errors of it are thrown (soci::soci_error).
namespace anytick::scores {

/// The newest rows of a server up to a time, by time and monitor, the newest first; of one monitor, if it is told.
std::vector<HistoryRow> newest_rows(store::Database& database, const geo::Address& server, size_t most,
                                    std::optional<uint32_t> monitor = {},
                                    int64_t until = std::numeric_limits<int64_t>::max());

/// When an overall score went to the other side of a bound.
struct Crossing {
  int64_t when; ///< s since 1970: of the row that did it
  bool above;   ///< it is at the bound or above it since then
  double score; ///< after it
};

/// The last one in the server's history, none if there is none. Made of the rows that are kept, so an older one is as
/// coarse as they are; each monitor counts as with this status at all times, one that is not there as active. Times
/// without a score are passed over.
std::optional<Crossing> last_crossing(store::Database& database, const geo::Address& server, double bound,
                                      const std::map<uint32_t, MonitorStatus>& statuses);

} // namespace anytick::scores
