#include "control/commands/transfer_command.h"

#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <thread>

#include "control/commands/progress.h"
#include "control_files.h"
#include "control_run.h"

namespace anytick::control::test {
namespace {

/// A working directory with a database.
class TransferCommand : public testing::Test {
 protected:
  Outcome run(std::vector<std::string> words) {
    words.insert(words.begin(), "registry");
    words.insert(words.end(), {"--database", "sqlite:" + directory_.file("hub.db")});
    return run_command(words, add_transfer_command);
  }
  std::string content(const std::string& name) {
    std::ifstream file(directory_.file(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  Outcome import_pops(const std::string& text, std::vector<std::string> more = {}) {
    std::vector<std::string> words{"import", directory_.write("pops.csv", text), "--kind", "pops", "--as", "me"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }

  TemporaryDirectory directory_;
};

TEST_F(TransferCommand, ImportsAndExports) {
  EXPECT_EQ(import_pops("name,target\nams,unix:/a\nzrh,unix:/z\n").output,
            "pops: 2 added, 0 changed, 0 as they were, 0 removed\n");
  EXPECT_EQ(run({"export", "--kind", "pops", "--format", "csv"}).output,
            "name,target,tls_name,canary,enabled\r\nams,unix:/a,,false,true\r\nzrh,unix:/z,,false,true\r\n");
  EXPECT_EQ(run({"export", "-o", directory_.file("all.json")}).output, "");
  EXPECT_EQ(content("all.json"), run({"export"}).output);
  EXPECT_EQ(run({"import", directory_.file("all.json"), "--mode", "replace"}).output,
            "accounts: 0 added, 0 changed, 0 as they were, 0 removed\n"
            "tree: 0 added, 0 changed, 0 as they were, 0 removed\n"
            "roots: 0 added, 0 changed, 0 as they were, 0 removed\n"
            "vendors: 0 added, 0 changed, 0 as they were, 0 removed\n"
            "servers: 0 added, 0 changed, 0 as they were, 0 removed\n"
            "pops: 0 added, 0 changed, 2 as they were, 0 removed\n");
}

TEST_F(TransferCommand, ImportsWhatComesByAPipe) {
  const std::string pipe = directory_.file("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::thread writer([&] { std::ofstream(pipe) << "name,target\nams,unix:/a\n"; });
  EXPECT_EQ(run({"import", pipe, "--format", "csv", "--kind", "pops"}).output,
            "pops: 1 added, 0 changed, 0 as they were, 0 removed\n");
  writer.join();
}

TEST_F(TransferCommand, ADryRunListsChanges) {
  import_pops("name,target\nams,unix:/a\nzrh,unix:/z\n");
  const std::string wanted = "pop zrh: remove {\"name\":\"zrh\",\"target\":\"unix:/z\",\"tls_name\":\"\",\"canary\":"
                             "false,\"enabled\":true}\n"
                             "pop ams: set {\"canary\":false} -> {\"canary\":true}\n"
                             "pops: 0 added, 1 changed, 0 as they were, 1 removed\n";
  const std::string text = "name,canary\nams,true\n";
  EXPECT_EQ(import_pops(text, {"--mode", "replace", "--dry-run", "-v"}).output,
            wanted + "dry run: nothing is changed\n");
  EXPECT_EQ(import_pops(text, {"--mode", "replace", "--verbose"}).output, wanted);
}

TEST_F(TransferCommand, TheAuditLogSaysWhoAndFromWhere) {
  import_pops("name,target\nams,unix:/a\n");
  import_pops("name,canary\nams,true\n", {"--reason", "because"});
  const std::string log = run({"export", "--kind", "audit"}).output;
  EXPECT_EQ(std::ranges::count(log, '\n'), 2);
  EXPECT_NE(log.find(R"("who":"me","kind":"pop","what":"ams","action":"add","from":null)"), std::string::npos) << log;
  EXPECT_NE(log.find(R"("reason":"import of pops.csv")"), std::string::npos) << log;
  EXPECT_NE(log.find(R"("from":{"canary":false},"to":{"canary":true},"reason":"because")"), std::string::npos) << log;
  EXPECT_EQ(std::ranges::count(run({"export", "--kind", "audit", "--after", "1"}).output, '\n'), 1);
}

TEST_F(TransferCommand, FaultsAreToldOnStderrAndChangeNothing) {
  testing::internal::CaptureStderr();
  const Outcome outcome = import_pops("name,target\nams,unix:/a\nzrh,nowhere\n");
  const std::string told = testing::internal::GetCapturedStderr();
  EXPECT_EQ(outcome.code, exit_refused);
  EXPECT_EQ(outcome.output, "");
  EXPECT_EQ(outcome.failure, directory_.file("pops.csv") + ": 1 fault; nothing is changed");
  EXPECT_TRUE(told.starts_with(directory_.file("pops.csv") + ": line 3: fault: POP 'zrh': target 'nowhere'")) << told;
  EXPECT_EQ(run({"export", "--kind", "pops", "--format", "csv"}).output, "name,target,tls_name,canary,enabled\r\n");
}

TEST_F(TransferCommand, Usage) {
  const std::string file = directory_.write("registry.txt", "{}");
  EXPECT_EQ(run({"import", file}).code, exit_usage);
  EXPECT_EQ(run({"import", directory_.file("nothing.csv")}).code, exit_refused);
  EXPECT_EQ(run({"import", file, "--format", "csv", "--kind", "pops,servers"}).code, exit_usage);
  EXPECT_EQ(run({"export", "--kind", "audit,pops"}).code, exit_usage);
  EXPECT_EQ(run({"export", "--after", "7"}).code, exit_usage);
  EXPECT_EQ(run({"export", "-o", file}).code, exit_usage);
  EXPECT_EQ(content("registry.txt"), "{}");
}

TEST(Progress, IsABar) {
  EXPECT_EQ(progress_text("reading", 1200, 0, 2), "reading 1200 rows");
  EXPECT_EQ(progress_text("importing", 1200, 2400, 1.5),
            "importing [###############               ]  50 %  1200 of 2400 rows, 800/s");
  EXPECT_EQ(progress_text("importing", 2400, 2400, 0),
            "importing [##############################] 100 %  2400 of 2400 rows, 0/s");
}

} // namespace
} // namespace anytick::control::test
