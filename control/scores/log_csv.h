#pragma once

#include "control/scores/reader.h"
#include "control/scores/text_file.h"

namespace anytick::scores {

/// The pool's log of one server. The first line names the columns: ts_epoch (s since 1970), step, score and monitor_id
/// must be there; offset (s), rtt (ms), leap, error and monitor_name may, as in older logs; others are not read. A
/// column `server`, which the pool's logs do not have, makes one log of many servers. Cells are as in RFC 4180, but do
/// not go on over lines. A row's score is taken as it is stated.
Result<ReadCounts> read_log_csv(TextFile& file, const std::string& path, const ReadOptions& options, RowSink& sink,
                                RowFaults& faults);

} // namespace anytick::scores
