#pragma once

#include "control/scores/reader.h"
#include "control/scores/text_file.h"

namespace anytick::scores {

/// The pool's history of one server:
///   {"history": [{"ts": s since 1970, "offset": s, "step": .., "score": .., "monitor_id": .., "rtt": ms}, ...],
///    "monitors": [{"id": .., "name": .., "type": "monitor", "status": "active"}, ...], "server": {"ip": ".."}}
/// offset and rtt may be absent, and so may monitors. A monitor whose type is "score" is a scorer: its rows are
/// skipped. Other members are not read. The file is read twice, since it says last whose history it is.
Result<ReadCounts> read_pool_json(TextFile& file, const std::string& path, const ReadOptions& options, RowSink& sink,
                                  RowFaults& faults);

} // namespace anytick::scores
