// `anytick score` on a database.

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <ctime>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "control/commands/score_command.h"
#include "control_files.h"
#include "control_run.h"
#include "databases.h"

namespace anytick::control::test {
namespace {

using nlohmann::json;

const std::string header = "server,ts_epoch,offset,step,score,monitor_id,monitor_name,rtt,error\n";

class ScoreCommands : public testing::TestWithParam<store::Engine> {
 protected:
  Outcome run(std::vector<std::string> words) const {
    words.insert(words.begin(), "score");
    words.insert(words.end(), {"--database", empty_.connection()});
    return run_command(words, add_score_command);
  }
  json json_of(std::vector<std::string> words) const {
    words.push_back("--json");
    const Outcome outcome = run(words);
    EXPECT_EQ(outcome.code, exit_done) << outcome.failure;
    return json::parse(outcome.output);
  }

  /// Two monitors of two servers, a minute ago.
  std::string log() const {
    return files_.write("log.csv",
                        header + fmt::format("192.0.2.1,{0},0.001,1,19.5,1,deber1,12.5,\n192.0.2.1,{0},,-5,9.5,2,uslax1"
                                             ",,i/o timeout\n2001:db8::1,{0},0,1,12,1,deber1,,\n",
                                             now_ - 60));
  }

  const anytick::test::EmptyDatabase empty_{GetParam()};
  const TemporaryDirectory files_;
  const int64_t now_ = std::time(nullptr);
};
INSTANTIATE_TEST_SUITE_P(Engines, ScoreCommands, anytick::test::both_engines, anytick::test::engine_name);

TEST_P(ScoreCommands, IngestSaysWhatItCounted) {
  const Outcome first = run({"ingest", log()});
  EXPECT_EQ(first.code, exit_done) << first.failure;
  EXPECT_EQ(first.output, "1 file: 3 rows counted\n");
  EXPECT_EQ(run({"ingest", log(), log()}).output, "2 files: 0 rows counted, 6 again\n");
  const json told = json_of({"ingest", log()});
  EXPECT_EQ(told["again"], 3);
  EXPECT_EQ(told["file"], files_.file("log.csv"));
}

TEST_P(ScoreCommands, FaultsAreAnExitCode) {
  const std::string path = files_.write(
      "bad.csv", header + fmt::format("192.0.2.1,x,,1,1,1,,,\n192.0.2.1,{},,1,1,1,,,\n192.0.2.2,{},,1,1,1,,,\n",
                                      now_ + 86400, now_));
  const Outcome strict = run({"ingest", "--strict", path});
  EXPECT_EQ(strict.code, exit_refused);
  EXPECT_EQ(json_of({"list"}).size(), 0u);
  const Outcome lenient = run({"ingest", path});
  EXPECT_EQ(lenient.code, exit_refused);
  EXPECT_EQ(lenient.failure, "faults in 1 of 1 file");
  EXPECT_EQ(json_of({"list"}).size(), 1u) << "and not of tomorrow";
}

TEST_P(ScoreCommands, Usage) {
  EXPECT_EQ(run({"ingest"}).code, exit_usage);
  EXPECT_EQ(run({"ingest", log(), "--spool", files_.file("spool")}).code, exit_usage);
  EXPECT_EQ(run({"ingest", log(), "--server", "somewhere"}).code, exit_usage);
  EXPECT_EQ(run({"show", "somewhere"}).code, exit_usage);
  EXPECT_EQ(run({"show", "192.0.2.1"}).code, exit_refused);
  EXPECT_EQ(run({"monitor", "set", "1", "dubious"}).code, exit_usage);
  EXPECT_EQ(run({"monitor", "set", "1", "testing"}).code, exit_refused);
  const Outcome nowhere = run_command({"score", "list", "--database", "nowhere"}, add_score_command);
  EXPECT_EQ(nowhere.code, exit_refused);
  EXPECT_NE(nowhere.failure.find("database nowhere"), std::string::npos) << nowhere.failure;
}

TEST_P(ScoreCommands, TheSpoolIsEmptied) {
  const std::string spool = files_.file("spool");
  std::filesystem::create_directory(spool);
  std::filesystem::copy(log(), spool + "/a.csv");
  files_.write("spool/b.csv", "nothing\n");
  EXPECT_EQ(run({"ingest", "--spool", spool}).code, exit_refused);
  EXPECT_TRUE(std::filesystem::exists(spool + "/done/a.csv"));
  EXPECT_TRUE(std::filesystem::exists(spool + "/failed/b.csv.why"));
  std::filesystem::copy(log(), spool + "/a.csv");
  const Outcome again = run({"ingest", "--spool", spool, "--remove"});
  EXPECT_EQ(again.output, "1 file: 0 rows counted, 3 again\n");
  EXPECT_FALSE(std::filesystem::exists(spool + "/done/a.csv.1"));
  EXPECT_EQ(json_of({"list"}).size(), 2u);
}

TEST_P(ScoreCommands, WatchTakesWhatComes) {
  const std::string spool = files_.file("spool");
  std::filesystem::create_directory(spool);
  const pid_t watcher = ::fork();
  ASSERT_GE(watcher, 0);
  if (watcher == 0) {
    run({"ingest", "--spool", spool, "--watch"});
    ::_exit(0);
  }
  for (const char* name : {"/a.csv", "/b.csv"}) {
    std::filesystem::copy(log(), spool + name + ".tmp");
    std::filesystem::rename(spool + name + ".tmp", spool + name);
    while (!std::filesystem::exists(spool + "/done" + name)) {
      ASSERT_EQ(::waitpid(watcher, nullptr, WNOHANG), 0) << "it ended";
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
  ::kill(watcher, SIGTERM);
  ::waitpid(watcher, nullptr, 0);
  EXPECT_EQ(json_of({"list"}).size(), 2u);
}

TEST_P(ScoreCommands, ShowAndList) {
  run({"ingest", log()});
  const json list = json_of({"list"});
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0]["server"], "192.0.2.1");
  EXPECT_EQ(list[0]["score"], 9.5);
  EXPECT_EQ(list[0]["monitors"], 2);
  EXPECT_EQ(list[0]["latest"], now_ - 60);
  EXPECT_EQ(json_of({"list", "--below", "10"}).size(), 1u);
  EXPECT_EQ(json_of({"list", "--below", "10", "--at", std::to_string(now_ + 86400)}).size(), 2u) << "none is low";
  const std::string text = run({"list"}).output;
  EXPECT_NE(text.find("2001:db8::1                               12.000        1  "), std::string::npos) << text;
  const json show = json_of({"show", "192.0.2.1", "--history", "1"});
  EXPECT_EQ(show["score"], 9.5);
  EXPECT_EQ(show["monitors"].size(), 2u);
  EXPECT_EQ(show["monitors"][0]["name"], "deber1");
  EXPECT_TRUE(show["crossed"].is_null());
  ASSERT_EQ(show["history"].size(), 1u);
  EXPECT_EQ(show["history"][0]["error"], "i/o timeout");
  const std::string shown = run({"show", "192.0.2.1", "--history", "5"}).output;
  EXPECT_NE(shown.find("0.001 s      12.5 ms"), std::string::npos) << shown;
}

TEST_P(ScoreCommands, ShowSaysWhenAScoreCrossedTheBound) {
  const std::string later =
      files_.write("later.csv", header + fmt::format("192.0.2.1,{0},,1,9,1,,,\n192.0.2.1,{0},,-5,8,2,,,\n", now_ - 30));
  run({"ingest", files_.write("first.csv", header + fmt::format("192.0.2.1,{},,1,19,1,,,\n", now_ - 90)), later});
  EXPECT_EQ(json_of({"show", "192.0.2.1"})["crossed"], (json{{"when", now_ - 30}, {"above", false}, {"score", 8}}));
  EXPECT_NE(run({"show", "192.0.2.1"}).output.find("below 10 since "), std::string::npos);
}

TEST_P(ScoreCommands, HistoryIsKeptAndPrunedByDays) {
  const std::string old = files_.write(
      "old.csv", header + fmt::format("192.0.2.1,{},,1,5,1,,,\n192.0.2.1,{},,1,6,1,,,\n192.0.2.1,{},,1,7,1,,,\n",
                                      now_ - 40 * 86400, now_ - 20 * 86400, now_));
  run({"ingest", old});
  EXPECT_EQ(json_of({"show", "192.0.2.1", "--history", "9"})["history"].size(), 2u);
  EXPECT_EQ(json_of({"prune"}), (json{{"removed", 0}, {"thinned", 1}}));
  EXPECT_EQ(run({"prune", "--history-days", "10"}).output, "removed 1 hours of servers, thinned 0\n");
  EXPECT_EQ(json_of({"show", "192.0.2.1", "--history", "9"})["history"].size(), 1u);
  EXPECT_EQ(json_of({"show", "192.0.2.1"})["score"], 7);
}

TEST_P(ScoreCommands, AMonitorIsTrustedNoMore) {
  run({"ingest", log()});
  EXPECT_EQ(run({"monitor", "set", "2", "inactive"}).output, "monitor 2 is inactive at most\n");
  EXPECT_EQ(json_of({"list"})[0]["score"], 19.5);
  const json list = json_of({"monitor", "list"});
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[1],
            (json{{"id", 2}, {"name", "uslax1"}, {"at_most", "inactive"}, {"servers", 1}, {"latest", now_ - 60}}));
  EXPECT_EQ(list[0]["servers"], 2);
  run({"monitor", "set", "2", "active"});
  EXPECT_EQ(json_of({"list"})[0]["score"], 9.5);
}

} // namespace
} // namespace anytick::control::test
