#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "control/scores/reader.h"
#include "control/scores/row_faults.h"
#include "control/scores/scoreboard.h"

namespace anytick::scores {

struct IngestOptions {
  ReadOptions read{};
  bool strict = false; ///< a file with a fault changes nothing; it is read twice then
};

/// What became of a file.
struct Ingested {
  explicit Ingested(const std::string& file) : faults(file) {}

  ReadCounts read;
  std::array<uint64_t, taken_count> taken{}; ///< rows by Taken
  RowFaults faults;
  std::optional<Refusal> refusal; ///< of the file; what stood before the place may be taken

  bool clean() const { return !refusal && faults.count() == 0; }
  std::string why() const; ///< lines for people; "" if clean
};

/// Reads a file into the sink, as options say; with `strict`, nothing of a file with a fault. `taken` is the sink's.
Ingested read_into(const std::string& path, const IngestOptions& options, RowSink& sink);

/// Takes a file's rows. The same file again changes nothing.
Ingested ingest(const std::string& path, const IngestOptions& options, Scoreboard& board);

} // namespace anytick::scores
