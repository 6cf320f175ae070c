#include "tests/fuzz/scores_target.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <string_view>

#include "control/scores/fitting.h"
#include "control/scores/log_csv.h"
#include "control/scores/observations.h"
#include "control/scores/pool_json.h"
#include "control/scores/scoreboard.h"
#include "tests/fuzz/memory_file.h"

namespace anytick::test {
namespace {

using namespace scores;

constexpr int64_t not_after = 2'000'000'000;

class Checker : public RowSink {
 public:
  void take(const Row& row) override {
    ++rows;
    require(row.when >= 0 && row.when <= not_after, "a time is within its bounds");
    require(std::abs(row.step.step) <= step_max, "a step is within its bounds");
    require(!row.score || (*row.score >= score_min && *row.score <= score_max), "a stated score is within its bounds");
    require(!row.offset || std::abs(*row.offset) <= offset_max, "an offset is within its bounds");
    require(!row.rtt || (*row.rtt >= 0 && *row.rtt <= rtt_max), "a delay is within its bounds");
    require(row.leap <= 3, "a leap indicator has two bits");
    const Scoreboard::Change change = board.take(row);
    counted += change.taken == Taken::counted;
    require(change.standing.score >= score_min && change.standing.score <= score_max, "a score is within its bounds");
    require(change.standing.recent.size() <= window_checks, "a standing is bounded");
  }
  void take(const geo::Address& server, const Monitor& monitor) override { board.take(server, monitor); }

  Scoreboard board;
  uint64_t rows = 0;
  uint64_t counted = 0;
};

void read(uint8_t format, const MemoryFile& memory, Checker& checker) {
  constexpr std::array readers{read_log_csv, read_pool_json, read_observations};
  Result<TextFile> file = TextFile::open(memory.path());
  require(static_cast<bool>(file), "the file opens");
  RowFaults faults("feed");
  const ReadOptions options{.server = geo::parse_address("192.0.2.1"), .not_after = not_after};
  const uint64_t before = checker.rows;
  const auto counts = readers[format % readers.size()](*file, "feed", options, checker, faults);
  require(!counts || counts->rows == checker.rows - before, "rows are counted");
  require(faults.told().size() <= 20, "few faults are told");
}

Bytes seed(char format, std::string_view text) {
  Bytes bytes(1 + text.size());
  bytes[0] = static_cast<uint8_t>(format);
  std::ranges::copy(text, bytes.begin() + 1);
  return bytes;
}

} // namespace

void check_scores(const uint8_t* data, size_t size) {
  if (size == 0) return;
  const MemoryFile file(data + 1, size - 1);
  Checker checker;
  read(data[0], file, checker);
  const auto once = checker.board.servers();
  const uint64_t counted = checker.counted;
  read(data[0], file, checker);
  require(checker.counted == counted && checker.board.servers() == once, "a feed twice is as once");
}

std::vector<Bytes> scores_seeds() {
  return {
      seed('\0', "ts_epoch,ts,offset,step,score,monitor_id,monitor_name,rtt,leap,error\n"
                 "1700000000,2023-11-14 22:13:20,0.001,1,19.5,12,deber1,20.5,,\n"
                 "1700009000,,,-5,13.5,12,\"a \"\"b\"\"\",,,\"i/o, timeout\"\r\n"
                 "1700008000,,-4,-4,-20,13,recentmedian.scores,1,3,\n"),
      seed('\0',
           "server,ts_epoch,step,score,monitor_id\n2001:db8::1,5,1,1,1\n192.0.2.1,7205,1,1,1\n192.0.2.1,4,1,2,1\n"),
      seed('\1', R"({"history":[{"ts":1700000000,"offset":-0.001,"step":1,"score":19.5,"monitor_id":12,"rtt":20.5},
{"ts":1,"offset":null,"step":-5,"score":-100,"monitor_id":24}],
"monitors":[{"id":12,"name":"deber1","type":"monitor","status":"active"},{"id":24,"name":"x","type":"score"}],
"server":{"ip":"2001:db8::1"}})"),
      seed('\2', R"({"ts":1,"server":"192.0.2.1","monitor":12,"stratum":2,"offset":-0.05,"rtt":3,"leap":1}
{"ts":7300,"server":"192.0.2.1","monitor":12,"response":false,"name":"deber1","status":"testing"}
{"ts":90,"monitor":12,"stratum":0,"kiss":"DENY"}
{"ts":7300,"server":"192.0.2.1","monitor":12,"stratum":3,"offset":4e0,"error":"bad","kiss":null,"more":[{"ts":1}]})"),
  };
}

} // namespace anytick::test
