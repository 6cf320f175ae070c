#include "control/scores/ingest.h"

namespace anytick::scores {
namespace {

class Nowhere : public RowSink {
 public:
  void take(const Row&) override {}
  void take(const geo::Address&, const Monitor&) override {}
};

class BoardSink : public RowSink {
 public:
  BoardSink(Scoreboard& board, std::array<uint64_t, taken_count>& taken) : board_(board), taken_(taken) {}

  void take(const Row& row) override { ++taken_[static_cast<size_t>(board_.take(row).taken)]; }
  void take(const geo::Address& server, const Monitor& monitor) override { board_.take(server, monitor); }

 private:
  Scoreboard& board_;
  std::array<uint64_t, taken_count>& taken_;
};

void read(const std::string& path, const ReadOptions& options, RowSink& sink, Ingested& told) {
  const Result<ReadCounts> counts = read_rows(path, options, sink, told.faults);
  if (counts)
    told.read = *counts;
  else
    told.refusal = counts.refusal();
}

} // namespace

std::string Ingested::why() const {
  return faults.text() + (refusal ? refusal->text() + "\n" : "");
}

Ingested read_into(const std::string& path, const IngestOptions& options, RowSink& sink) {
  if (options.strict) {
    Ingested trial(path);
    Nowhere nowhere;
    read(path, options.read, nowhere, trial);
    if (!trial.clean()) return trial;
  }
  Ingested told(path);
  read(path, options.read, sink, told);
  return told;
}

Ingested ingest(const std::string& path, const IngestOptions& options, Scoreboard& board) {
  std::array<uint64_t, taken_count> taken{};
  BoardSink sink(board, taken);
  Ingested told = read_into(path, options, sink);
  told.taken = taken;
  return told;
}

} // namespace anytick::scores
