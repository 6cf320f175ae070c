#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "control/scores/row.h"
#include "control/scores/row_faults.h"
#include "geo/refusal.h"

namespace anytick::scores {

/// Seconds by which a row may be ahead of our clock: those of a wrong clock would keep all rows before them out.
inline constexpr int64_t ahead_max = 300;

struct ReadOptions {
  std::optional<geo::Address> server; ///< whose rows these are, where the rows do not say; else the file's name does
  int64_t not_after = std::numeric_limits<int64_t>::max(); ///< s since 1970; later rows are faults
};

struct ReadCounts {
  uint64_t rows = 0;    ///< handed to the sink
  uint64_t skipped = 0; ///< overall scores ("recentmedian", "every"): they are made here
};

/// Reads a file of rows in bounded memory: NAME.csv is a pool log (log_csv.h), NAME.json the pool's JSON (pool_json.h),
/// NAME.jsonl are observations (observations.h). What is wrong with a row goes to `faults`, and the rows around it to
/// the sink all the same. Refused is a file that cannot be read, is none of these, or is broken so that it ends early;
/// what came before the break is in the sink, but of the pool's JSON nothing.
Result<ReadCounts> read_rows(const std::string& path, const ReadOptions& options, RowSink& sink, RowFaults& faults);

/// "/x/192.0.2.1_2026-06-17.csv" -> 192.0.2.1: what stands before the first "_" or the suffix, if it is an address.
std::optional<geo::Address> server_of_name(const std::string& path);

/// Whether a monitor of this name is one of the pool's that make overall scores of the others': "recentmedian" and
/// "every", or these and a domain.
bool is_scorer(std::string_view name);

} // namespace anytick::scores
