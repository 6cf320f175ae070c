#pragma once

#include <cstdint>

#include "control/store/database.h"

namespace anytick::scores {

/// How much history is kept, by hours: an hour goes when all of it is older.
struct Retention {
  int64_t from = 0;      ///< s since 1970; older rows are removed
  int64_t full_from = 0; ///< of older rows the last one of an hour, server and monitor is kept
};

/// `days` before `now`, both as of a policy; the largest time for 0 days.
Retention retention_of(uint32_t history_days, uint32_t full_history_days, int64_t now);

struct Pruned {
  uint64_t removed = 0; ///< hours of servers
  uint64_t thinned = 0;
};

/// Brings the history down to that, a part at a time and each a short transaction, so that whoever writes scores beside
/// it waits for one of them at most. What it did stands if it ends early, and the next time goes on. Errors of the
/// database are thrown (soci::soci_error).
Pruned prune(store::Database& database, const Retention& retention);

} // namespace anytick::scores
