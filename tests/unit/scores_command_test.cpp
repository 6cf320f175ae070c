#include "control/commands/score_command.h"

#include <nlohmann/json.hpp>

#include "control_files.h"
#include "control_run.h"

namespace anytick::control::test {
namespace {

Outcome run(std::vector<std::string> words) {
  words.insert(words.begin(), "score");
  return run_command(words, add_score_command);
}

const std::string header = "ts_epoch,offset,step,score,monitor_id,monitor_name\n";

TEST(ScoreReplay, PrintsScoresPerMonitorAndOverall) {
  const TemporaryDirectory directory;
  const std::string log = directory.write(
      "192.0.2.1.csv", header + "1700000000,0,1,19.5,1,deber1\n1700000010,,-5,9.5,2,uslax1\n1700000020,0,1,12,3,\n");
  const Outcome outcome = run({"replay", log});
  EXPECT_EQ(outcome.code, exit_done) << outcome.failure;
  EXPECT_NE(outcome.output.find("overall                  -           12.000        -  2023-11-14T22:13:40Z"),
            std::string::npos)
      << outcome.output;
  EXPECT_NE(outcome.output.find("2 uslax1                 active       9.500        1  2023-11-14T22:13:30Z"),
            std::string::npos)
      << outcome.output;
  EXPECT_TRUE(outcome.output.ends_with("\n1 file: 3 rows counted\n")) << outcome.output;
}

TEST(ScoreReplay, SaysWhatIsNotCounted) {
  const TemporaryDirectory directory;
  const std::string log = directory.write(
      "192.0.2.1.csv",
      header + "1700009000,0,1,19.5,1,\n1700009000,0,1,19,1,\n1700000000,0,1,18,1,\n1700009000,,,,5,recentmedian\n");
  const std::string feed =
      directory.write("feed.jsonl", R"({"ts": 1700000001, "server": "192.0.2.1", "monitor": 1, "response": false})");
  const std::string output = run({"replay", log, log, feed}).output;
  EXPECT_TRUE(
      output.ends_with("\n3 files: 1 rows counted, 1 again, 2 of a second that has another, 2 for history only, "
                       "1 too late for their place in the score, 2 overall scores of others skipped\n"))
      << output;
}

TEST(ScoreReplay, JsonOfSeveralFiles) {
  const TemporaryDirectory directory;
  const std::string log = directory.write("192.0.2.1.csv", header + "1700000000,0,1,19.5,1,deber1\n");
  const std::string feed =
      directory.write("feed.jsonl", R"({"ts": 1700000600, "server": "192.0.2.1", "monitor": 1, "response": false})");
  const Outcome outcome = run({"replay", "--json", log, feed, log});
  EXPECT_EQ(outcome.code, exit_done) << outcome.failure;
  const auto json = nlohmann::json::parse(outcome.output);
  EXPECT_EQ(json["at"], 1700000600);
  ASSERT_EQ(json["servers"].size(), 1u);
  EXPECT_EQ(json["servers"][0]["server"], "192.0.2.1");
  EXPECT_DOUBLE_EQ(json["servers"][0]["score"].get<double>(), 0.95 * 19.5 - 5);
  EXPECT_EQ(json["servers"][0]["monitors"][0]["name"], "deber1");
  EXPECT_EQ(json["servers"][0]["monitors"][0]["checks"], 2);
  EXPECT_EQ(json["files"][0]["counted"], 1);
  EXPECT_EQ(json["files"][2]["counted"], 0);
  EXPECT_EQ(json["files"][2]["again"], 1);
}

TEST(ScoreReplay, OverallScoreIsOfItsTime) {
  const TemporaryDirectory directory;
  const std::string log = directory.write("192.0.2.1.csv", header + "1700000000,0,1,19.5,1,\n");
  const auto json = nlohmann::json::parse(run({"replay", "--json", "--at", "1700007201", log}).output);
  EXPECT_TRUE(json["servers"][0]["score"].is_null());
  EXPECT_EQ(json["servers"][0]["monitors"][0]["score"], 19.5);
}

TEST(ScoreReplay, FaultsAreAnExitCodeAndStrictTakesNothing) {
  const TemporaryDirectory directory;
  const std::string log = directory.write("log.csv", header + "1700000000,0,1,19.5,1,\nx,0,1,19.5,1,\n");
  const Outcome lenient = run({"replay", "--json", "--server", "192.0.2.1", log});
  EXPECT_EQ(lenient.code, exit_refused);
  EXPECT_EQ(lenient.failure, "faults in 1 of 1 file");
  EXPECT_EQ(nlohmann::json::parse(lenient.output)["files"][0]["counted"], 1);
  const Outcome strict = run({"replay", "--json", "--strict", "--server", "192.0.2.1", log});
  EXPECT_EQ(strict.code, exit_refused);
  EXPECT_EQ(nlohmann::json::parse(strict.output)["servers"].size(), 0u);
  EXPECT_EQ(run({"replay", "--server", "somewhere", log}).code, exit_usage);
}

TEST(ScoreStep, SaysWhatACheckDoes) {
  EXPECT_EQ(run({"step", "--stratum", "2", "--offset", "0.12", "--score", "19.5"}).output,
            "step 0.45404: score 19.5 -> 18.979\n");
  EXPECT_EQ(run({"step", "--stratum", "0", "--kiss", "DENY", "--score", "20"}).output,
            "step -10, cap -50: score 20 -> -50\n");
  EXPECT_EQ(run({"step", "--no-response"}).output, "step -5: score 0 -> -5\n");
}

} // namespace
} // namespace anytick::control::test
