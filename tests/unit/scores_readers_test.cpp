#include <gtest/gtest.h>

#include <fmt/format.h>

#include "control/scores/reader.h"
#include "control/scores/scoreboard.h"
#include "control_files.h"

namespace anytick::scores {
namespace {

using control::test::TemporaryDirectory;

/// What the sink got, a line each.
class Listing : public RowSink {
 public:
  void take(const Row& row) override {
    lines.push_back(fmt::format("{} {} {} {}", geo::to_text(row.server), row.monitor, row.when, row.step.step));
    std::string& line = lines.back();
    if (row.step.cap != no_cap) line += fmt::format(" cap {}", row.step.cap);
    if (row.score) line += fmt::format(" score {}", *row.score);
    if (row.offset) line += fmt::format(" offset {}", *row.offset);
    if (row.rtt) line += fmt::format(" rtt {}", *row.rtt);
    if (row.leap != 0) line += fmt::format(" leap {}", row.leap);
    if (!row.error.empty()) line += fmt::format(" error {}", row.error);
  }
  void take(const geo::Address& server, const Monitor& monitor) override {
    lines.push_back(
        fmt::format("{} is {} {}", monitor.id, monitor.name,
                    monitor.status ? geo::to_text(server) + " " + std::string(status_name(*monitor.status)) : ""));
  }

  std::vector<std::string> lines;
};

struct Outcome {
  std::vector<std::string> lines;
  std::string faults; ///< without the directory
  std::string refusal;
  ReadCounts counts;
};

std::string without(std::string text, const std::string& directory) {
  for (size_t at; (at = text.find(directory)) != text.npos;) text.erase(at, directory.size());
  return text;
}

Outcome read(const std::string& name, std::string_view text, const ReadOptions& options = {}) {
  const TemporaryDirectory directory;
  const std::string path = directory.write(name, text);
  RowFaults faults(name);
  Listing listing;
  const auto counts = read_rows(path, options, listing, faults);
  Outcome outcome{listing.lines, faults.text(), "", {}};
  if (counts)
    outcome.counts = *counts;
  else
    outcome.refusal = without(counts.refusal().text(), directory.file(""));
  return outcome;
}

using Lines = std::vector<std::string>;
const std::string header = "ts_epoch,ts,offset,step,score,monitor_id,monitor_name,rtt,leap,error\n";

TEST(LogCsv, WithAndWithoutRtt) {
  const Outcome with =
      read("192.0.2.1.csv", header + "1700000000,2023-11-14 22:13:20,0.001234567,1,19.5,12,deber1,20.5,,\n"
                                     "1700000600,2023-11-14 22:23:20,,-5,13.525,12,deber1,,,i/o timeout\n");
  EXPECT_EQ(with.lines, (Lines{"12 is deber1 ", "192.0.2.1 12 1700000000 1 score 19.5 offset 0.001234567 rtt 20.5",
                               "192.0.2.1 12 1700000600 -5 score 13.525 error i/o timeout"}));
  EXPECT_EQ(with.faults, "");
  EXPECT_EQ(with.counts.rows, 2u);
  const Outcome without_rtt =
      read("2001:db8::1_2023-11-14.csv", "ts_epoch,ts,offset,step,score,monitor_id,monitor_name,leap,error\r\n"
                                         "1700000000,2023-11-14 22:13:20,-0.2,0.2694,-49.9,7,uslax1,1,\r\n");
  EXPECT_EQ(without_rtt.lines,
            (Lines{"7 is uslax1 ", "2001:db8::1 7 1700000000 0.2694 score -49.9 offset -0.2 leap 1"}));
}

TEST(LogCsv, QuotedCells) {
  const Outcome outcome = read(
      "192.0.2.1.csv", header + "1700000000,,,-4,-4,12,\"a \"\"b\"\", c\",,,\"x, y\"\n1700000001,,,1,1,12,\"\",,,");
  EXPECT_EQ(outcome.lines, (Lines{"12 is a \"b\", c ", "192.0.2.1 12 1700000000 -4 score -4 error x, y",
                                  "192.0.2.1 12 1700000001 1 score 1"}));
  EXPECT_EQ(outcome.faults, "");
}

TEST(LogCsv, AColumnMayNameTheServer) {
  const Outcome outcome = read("all.csv", "server,score,step,monitor_id,ts_epoch\n192.0.2.1,1,1,3,5\n"
                                          "192.0.2.1,1.95,1,3,6\n2001:db8::,-5,-5,3,7\nx,1,1,3,8\n192.0.2.1,1,1,3,9\n");
  EXPECT_EQ(outcome.lines, (Lines{"192.0.2.1 3 5 1 score 1", "192.0.2.1 3 6 1 score 1.95", "2001:db8:: 3 7 -5 score -5",
                                  "192.0.2.1 3 9 1 score 1"}));
  EXPECT_EQ(outcome.faults, "all.csv at line 5: server \"x\" is no address\n");
}

TEST(LogCsv, OverallScoresAreSkipped) {
  const Outcome outcome = read("192.0.2.1.csv", header + "1700000000,,,1,20,24,recentmedian.scores.ntp.dev,,,\n"
                                                         "1700000000,,,1,20,23,every.scores.ntp.dev,,,\n"
                                                         "1700000000,,,1,20,22,everyone.example,,,\n");
  EXPECT_EQ(outcome.lines, (Lines{"22 is everyone.example ", "192.0.2.1 22 1700000000 1 score 20"}));
  EXPECT_EQ(outcome.counts.skipped, 2u);
}

struct BadRow {
  const char* name;
  const char* row;
  const char* reason;
};

void PrintTo(const BadRow& test, std::ostream* out) {
  *out << test.row;
}

class LogCsvFault : public testing::TestWithParam<BadRow> {};

TEST_P(LogCsvFault, IsToldAndTheOthersStay) {
  const std::string good = "1700000000,,,1,1,12,,,,\n";
  const Outcome outcome =
      read("192.0.2.1.csv", header + good + GetParam().row + "\n" + good, {.server = {}, .not_after = 1'800'000'000});
  EXPECT_EQ(outcome.lines.size(), 2u);
  EXPECT_EQ(outcome.faults, "192.0.2.1.csv at line 3: " + std::string(GetParam().reason) + "\n");
  EXPECT_EQ(outcome.counts.rows, 2u);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, LogCsvFault,
    testing::Values(BadRow{"text", "hello", "has not the cells that the header names"},
                    BadRow{"cell_too_many", "1700000000,,,1,1,12,,,,,", "has not the cells that the header names"},
                    BadRow{"quote_open", "1700000000,,,1,1,12,,,,\"a", "has quotes that do not match"},
                    BadRow{"quote_within", "1700000000,,,1,1,12,,,,a\"b\"", "has quotes that do not match"},
                    BadRow{"behind_quote", "1700000000,,,1,1,12,,,,\"a\"b", "has quotes that do not match"},
                    BadRow{"no_time", ",,,1,1,12,,,,", "ts_epoch is missing"},
                    BadRow{"time_no_number", "soon,,,1,1,12,,,,", "ts_epoch \"soon\" is no whole number"},
                    BadRow{"time_fraction", "1.5,,,1,1,12,,,,", "ts_epoch \"1.5\" is no whole number"},
                    BadRow{"time_negative", "-1,,,1,1,12,,,,", "ts_epoch \"-1\" is out of range"},
                    BadRow{"time_to_come", "1800000001,,,1,1,12,,,,", "ts_epoch \"1800000001\" is out of range"},
                    BadRow{"offset_no_number", "1,,1s,1,1,12,,,,", "offset \"1s\" is no number"},
                    BadRow{"offset_nan", "1,,nan,1,1,12,,,,", "offset \"nan\" is no number"},
                    BadRow{"offset_infinite", "1,,inf,1,1,12,,,,", "offset \"inf\" is out of range"},
                    BadRow{"offset_huge", "1,,1e300,1,1,12,,,,", "offset \"1e300\" is out of range"},
                    BadRow{"no_step", "1,,,,1,12,,,,", "step is missing"},
                    BadRow{"no_score", "1,,,1,,12,,,,", "score is missing"},
                    BadRow{"score_too_high", "1,,,1,20.000001,12,,,,", "score \"20.000001\" is out of range"},
                    BadRow{"score_too_low", "1,,,1,-201,12,,,,", "score \"-201\" is out of range"},
                    BadRow{"score_nan", "1,,,1,nan,12,,,,", "score \"nan\" is no number"},
                    BadRow{"no_monitor", "1,,,1,1,,,,,", "monitor_id is missing"},
                    BadRow{"monitor_too_large", "1,,,1,1,4294967296,,,,", "monitor_id \"4294967296\" is out of range"},
                    BadRow{"leap", "1,,,1,1,12,,,4,", "leap \"4\" is out of range"},
                    BadRow{"rtt", "1,,,1,1,12,,-1,,", "rtt \"-1\" is out of range"},
                    BadRow{"control_characters", "\x1b[2J,,,1,1,12,,,,", "ts_epoch \"\\x1b[2J\" is no whole number"}),
    [](const auto& test) { return std::string{test.param.name}; });

TEST(LogCsv, LinesThatAreTooLongAreToldAndPassedOver) {
  const std::string good = "1700000000,,,1,1,12,,,,\n";
  for (const size_t size : {size_t{65537}, size_t{262144}, size_t{1000000}}) {
    const Outcome outcome = read("192.0.2.1.csv", header + good + std::string(size, 'x') + "\n" + good);
    EXPECT_EQ(outcome.lines.size(), 2u) << size;
    EXPECT_EQ(outcome.faults, "192.0.2.1.csv at line 3: is too long\n") << size;
  }
}

TEST(LogCsv, TellsTheFirstFaultsAndCountsAll) {
  std::string text = header;
  for (int i = 0; i < 1000; ++i) text += "x,,,1,1,12,,,,\n1700000000,,,1,1,12,,,,\n";
  const Outcome outcome = read("192.0.2.1.csv", text);
  EXPECT_EQ(outcome.counts.rows, 1000u);
  EXPECT_EQ(std::count(outcome.faults.begin(), outcome.faults.end(), '\n'), 21);
  EXPECT_TRUE(outcome.faults.ends_with("192.0.2.1.csv: and 980 more\n")) << outcome.faults;
}

struct BadFile {
  const char* name;
  const char* file;
  const char* text;
  const char* refusal;
};

void PrintTo(const BadFile& test, std::ostream* out) {
  *out << test.file << ": " << test.text;
}

class RefusedFile : public testing::TestWithParam<BadFile> {};

TEST_P(RefusedFile, SaysWhy) {
  const Outcome outcome = read(GetParam().file, GetParam().text);
  EXPECT_EQ(outcome.refusal, GetParam().refusal);
  EXPECT_EQ(outcome.lines, Lines{});
}

INSTANTIATE_TEST_SUITE_P(
    Files, RefusedFile,
    testing::Values(
        BadFile{"format", "192.0.2.1.txt", "", "192.0.2.1.txt: is neither .csv nor .json nor .jsonl"},
        BadFile{"empty_csv", "192.0.2.1.csv", "", "192.0.2.1.csv at line 1: no header of a log's columns"},
        BadFile{"column", "192.0.2.1.csv", "ts_epoch,step,score\n", "192.0.2.1.csv at line 1: no column monitor_id"},
        BadFile{"no_header", "192.0.2.1.csv", "1700000000,,,1,1,12,,,,\n",
                "192.0.2.1.csv at line 1: no column ts_epoch"},
        BadFile{"whose_csv", "log.csv", "ts_epoch,step,score,monitor_id\n1,1,1,1\n",
                "log.csv: whose log is it? Its name is no address, and it has no column server"},
        BadFile{"empty_json", "x.json", "",
                "x.json: parse error at line 1, column 1: syntax error while parsing value - unexpected end of input; "
                "expected '[', '{', or a literal"},
        BadFile{"no_history", "x.json", "{\"history\": 1}", "x.json: has no history"},
        BadFile{"whose_json", "x.json", "{\"history\": [], \"server\": {\"ip\": \"x\"}}",
                "x.json at server: whose history is it? It states no address"}),
    [](const auto& test) { return std::string{test.param.name}; });

TEST(PoolJson, HistoryMonitorsAndServer) {
  const Outcome outcome = read("scores.json", R"({
"history": [
 {"ts": 1700000000, "offset": -0.001, "step": 1, "score": 19.5, "monitor_id": 12, "rtt": 20.5, "more": {"x": [1]}},
 {"ts": 1700000600, "offset": null, "step": -5, "score": 13.5, "monitor_id": 13},
 {"ts": 1700000600, "step": 1, "score": 13.5, "monitor_id": 24}
],
"monitors": [{"id": 12, "name": "deber1", "type": "monitor", "ts": "x", "score": 19.5, "status": "active"},
 {"id": 13, "name": "uslax1", "type": "monitor", "status": "paused"},
 {"id": 14, "name": "frpar1", "type": "monitor", "status": "testing"},
 {"id": 15, "name": "gblon1"},
 {"id": 24, "name": "recentmedian", "type": "score", "status": "active"}],
"server": {"ip": "2001:db8::1"}})");
  EXPECT_EQ(outcome.refusal, "");
  EXPECT_EQ(outcome.faults, "");
  EXPECT_EQ(outcome.lines, (Lines{"12 is deber1 2001:db8::1 active", "13 is uslax1 2001:db8::1 inactive",
                                  "14 is frpar1 2001:db8::1 testing", "15 is gblon1 ",
                                  "2001:db8::1 12 1700000000 1 score 19.5 offset -0.001 rtt 20.5",
                                  "2001:db8::1 13 1700000600 -5 score 13.5"}));
  EXPECT_EQ(outcome.counts.rows, 2u);
  EXPECT_EQ(outcome.counts.skipped, 1u);
}

TEST(PoolJson, BadRowsAreToldByLineAndTheOthersStay) {
  const Outcome outcome = read("192.0.2.1.json", R"({"history": [
{"ts": 1, "step": 1, "score": 1, "monitor_id": 12},
{"ts": "x", "step": 1, "score": 1, "monitor_id": 12},
{"ts": 2, "ts": 2, "step": 1, "score": 1, "monitor_id": 12},
{"ts": 3, "step": [], "score": 1, "monitor_id": 12},
{"ts": 18446744073709551615, "step": 1, "score": 1, "monitor_id": 12},
{"ts": 1.5, "step": 1, "score": 1, "monitor_id": 12},
{"step": 1, "score": 1, "monitor_id": 12},
{"ts": 5, "step": 1, "score": 1, "monitor_id": 12}
]})");
  EXPECT_EQ(outcome.lines, (Lines{"192.0.2.1 12 1 1 score 1", "192.0.2.1 12 5 1 score 1"}));
  EXPECT_EQ(outcome.refusal, "");
  EXPECT_EQ(outcome.faults, "192.0.2.1.json at line 3: ts \"x\" is no whole number\n"
                            "192.0.2.1.json at line 4: ts stands twice\n"
                            "192.0.2.1.json at line 5: step is no number\n"
                            "192.0.2.1.json at line 6: ts is no whole number\n"
                            "192.0.2.1.json at line 7: ts is no whole number\n"
                            "192.0.2.1.json at line 8: ts is missing\n");
}

// Its monitors come last, and 24 may be none but the pool's overall score.
TEST(PoolJson, OfWhatIsCutOffNothingIsTaken) {
  const Outcome outcome = read("192.0.2.1.json", R"({"history": [{"ts": 1, "step": 1, "score": 20, "monitor_id": 24},
    {"ts": 1, "step": 1, "score": 5, "monitor_id": 7}], "monitors": [{"id": 24, "name": "recent)");
  EXPECT_EQ(outcome.lines, Lines{});
  EXPECT_NE(outcome.refusal, "");
}

TEST(PoolJson, SaysLittleOfALongText) {
  const Outcome outcome = read("192.0.2.1.json", R"({"history": [], "x": ")" + std::string(1 << 20, 'x'));
  EXPECT_LT(outcome.refusal.size(), 300u);
  EXPECT_NE(outcome.refusal.find("parse error at line 1"), std::string::npos) << outcome.refusal;
}

TEST(Observations, AreJudged) {
  const Outcome outcome =
      read("feed.jsonl", R"({"ts": 1, "server": "192.0.2.1", "monitor": 12, "stratum": 2, "offset": -0.05, "rtt": 3}
{"ts": 2, "server": "192.0.2.1", "monitor": 12, "response": false, "name": "deber1", "status": "testing"}

{"ts": 3, "server": "192.0.2.1", "monitor": 12, "stratum": 0, "kiss": "DENY"}
{"ts": 4, "server": "2001:db8::1", "monitor": 12, "stratum": 3, "offset": 4, "leap": 1, "more": [{"ts": 5}]}
{"ts": 5, "server": "192.0.2.1", "monitor": 12, "stratum": 3, "offset": 0, "error": "bad", "kiss": null})");
  EXPECT_EQ(outcome.faults, "");
  EXPECT_EQ(outcome.lines,
            (Lines{"192.0.2.1 12 1 0.83365 offset -0.05 rtt 3", "12 is deber1 192.0.2.1 testing", "192.0.2.1 12 2 -5",
                   "192.0.2.1 12 3 -10 cap -50", "2001:db8::1 12 4 -4 cap -20 offset 4 leap 1",
                   "192.0.2.1 12 5 -4 offset 0 error bad"}));
}

class ObservationFault : public testing::TestWithParam<BadRow> {};

TEST_P(ObservationFault, IsToldAndTheOthersStay) {
  const std::string good = "{\"ts\": 1, \"server\": \"192.0.2.1\", \"monitor\": 12}\n";
  const Outcome outcome = read("feed.jsonl", good + GetParam().row + "\n" + good);
  EXPECT_EQ(outcome.lines.size(), 2u);
  EXPECT_EQ(outcome.faults, "feed.jsonl at line 2: " + std::string(GetParam().reason) + "\n");
}

INSTANTIATE_TEST_SUITE_P(
    Rows, ObservationFault,
    testing::Values(
        BadRow{"no_object", "[]", "is no JSON object"}, BadRow{"in_array", "[{\"ts\": 1}]", "is no JSON object"},
        BadRow{"number", "1", "is no JSON object"},
        BadRow{"two", "{} {}",
               "parse error at line 1, column 4: syntax error while parsing value - unexpected '{'; expected end of "
               "input"},
        BadRow{"no_time", "{}", "ts is missing"},
        BadRow{"no_server", "{\"ts\": 1, \"monitor\": 1}", "server is missing"},
        BadRow{"server", "{\"ts\": 1, \"monitor\": 1, \"server\": \"x\"}", "server \"x\" is no address"},
        BadRow{"server_number", "{\"ts\": 1, \"monitor\": 1, \"server\": 1}", "server is no address"},
        BadRow{"twice", "{\"ts\": 1, \"ts\": 1}", "ts stands twice"},
        BadRow{"response", "{\"ts\": 1, \"monitor\": 1, \"server\": \"::1\", \"response\": 0}",
               "response is neither true nor false"},
        BadRow{"stratum", "{\"ts\": 1, \"monitor\": 1, \"server\": \"::1\", \"stratum\": 256}",
               "stratum is out of range"},
        BadRow{"kiss", "{\"ts\": 1, \"monitor\": 1, \"server\": \"::1\", \"kiss\": 1}", "kiss is no text"},
        BadRow{"status", "{\"ts\": 1, \"monitor\": 1, \"server\": \"::1\", \"status\": \"new\"}",
               "status \"new\" is not active, testing, candidate or inactive"}),
    [](const auto& test) { return std::string{test.param.name}; });

TEST(Reader, KnowsTheServerByTheFilesName) {
  EXPECT_EQ(server_of_name("/spool/192.0.2.1.csv"), geo::parse_address("192.0.2.1"));
  EXPECT_EQ(server_of_name("192.0.2.1_2026-06-17.csv"), geo::parse_address("192.0.2.1"));
  EXPECT_EQ(server_of_name("2001:db8::1_x_y.jsonl"), geo::parse_address("2001:db8::1"));
  EXPECT_EQ(server_of_name("192.0.2.1/log.csv"), std::nullopt);
  EXPECT_EQ(server_of_name(""), std::nullopt);
}

TEST(Reader, LinesAcrossItsPieces) {
  std::string text = header;
  const std::string row = "1700000000,,0.001,1,1,12,deber1,,,\n";
  while (text.size() < 1'000'000) text += row;
  const Outcome outcome = read("192.0.2.1.csv", text);
  EXPECT_EQ(outcome.counts.rows, (text.size() - header.size()) / row.size());
  EXPECT_EQ(outcome.faults, "");
}

TEST(Reader, TellsWhatCannotBeRead) {
  Listing listing;
  RowFaults faults("x");
  const auto counts = read_rows("/nowhere/192.0.2.1.csv", {}, listing, faults);
  ASSERT_FALSE(counts);
  EXPECT_EQ(counts.refusal().text(), "/nowhere/192.0.2.1.csv: No such file or directory");
}

} // namespace
} // namespace anytick::scores
