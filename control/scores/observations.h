#pragma once

#include "control/scores/reader.h"
#include "control/scores/text_file.h"

namespace anytick::scores {

/// Observations that are not judged yet, a JSON object in each line (JSON Lines):
///   {"ts": 1700000000, "server": "192.0.2.1", "monitor": 12, "stratum": 2, "offset": -0.0012}
///   {"ts": 1700000540, "server": "192.0.2.1", "monitor": 12, "stratum": 0, "kiss": "RATE"}
///   {"ts": 1700001080, "server": "192.0.2.1", "monitor": 12, "response": false}
/// ts (s since 1970) and monitor (its number) must be there, and server unless the file's name is its address. What the
/// check saw: response (true if absent), stratum (0 to 255), offset (s), kiss (the code of a stratum 0 reply), error
/// (text: what else was wrong with the reply), leap (0 to 3) and rtt (ms). name and status (active, testing, candidate
/// or inactive) tell about the monitor. Other members are not read.
Result<ReadCounts> read_observations(TextFile& file, const std::string& path, const ReadOptions& options, RowSink& sink,
                                     RowFaults& faults);

} // namespace anytick::scores
