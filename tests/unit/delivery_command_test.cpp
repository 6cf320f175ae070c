#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "control/commands/history_command.h"
#include "control/commands/hub_command.h"
#include "control/commands/plan_command.h"
#include "control/commands/pop_command.h"
#include "control/commands/rollout_command.h"
#include "control/registry/audit.h"
#include "control/registry/roots.h"
#include "control_run.h"
#include "delivery_hub.h"

namespace anytick::test {
namespace {

using control::CommandFailure;
using control::test::Outcome;
using nlohmann::json;
using Wrong = FakePop::Wrong;

/// A hub with a root of static names alone, and three POPs.
class HubCommands : public testing::Test, protected PopsOfDatabase {
 protected:
  HubCommands() : PopsOfDatabase(store::Engine::sqlite, 3) {
    directory_.write("hub.toml", fmt::format("database = '{}'\n", empty_.connection()));
    hub_.database().transact([](soci::session& sql) {
      registry::add_root(sql, {"test", "", test_time},
                         {.origin = "pool.example",
                          .contact = "hostmaster.pool.example",
                          .name_servers = {"ns.example"},
                          .static_data = static_data(1)});
    });
  }

  static std::string static_data(int number) { return fmt::format(R"({{"www": {{"a": [["192.0.2.{}"]]}}}})", number); }
  void change(int number) {
    hub_.database().transact([&](soci::session& sql) {
      registry::change_root(sql, {"test", "", test_time}, "pool.example", {.static_data = static_data(number)});
    });
  }
  Outcome run(std::vector<std::string> words) const {
    words.insert(words.end(), {"--hub", directory_.file("hub.toml")});
    return control::test::run_command(words, control::add_plan_command, control::add_rollout_commands,
                                      control::add_history_command, control::add_hub_command, control::add_pop_command);
  }
  json run_json(std::vector<std::string> words, int code = control::exit_done) const {
    words.emplace_back("--json");
    const Outcome outcome = run(words);
    EXPECT_EQ(outcome.code, code) << outcome.failure;
    return json::parse(outcome.output);
  }
  int64_t current_serial() { return hub_.current()->serial; }
};

TEST_F(HubCommands, PlanSaysWhetherThereIsSomethingToPush) {
  EXPECT_EQ(run({"plan"}).code, control::exit_done);
  EXPECT_EQ(run({"plan", "--exit-code"}).code, control::exit_changes);
  EXPECT_EQ(pop(0).loads(), 0u);
  ASSERT_EQ(run({"push"}).code, control::exit_done);
  EXPECT_EQ(run({"plan", "--exit-code"}).code, control::exit_done);
  EXPECT_NE(run({"plan"}).output.find("There is nothing to push"), std::string::npos);
  EXPECT_EQ(run({"push"}).code, control::exit_done);
  EXPECT_EQ(pop(0).loads(), 1u) << "nothing has changed";
  change(2);
  EXPECT_EQ(run({"plan", "--exit-code"}).code, control::exit_changes) << "no server, but an answer";
}

TEST_F(HubCommands, PlanTellsWhatIsNotOfServers) {
  hub_.database().transact([](soci::session& sql) {
    registry::add_root(
        sql, {"test", "", test_time},
        {.origin = "time.example", .contact = {}, .name_servers = {"ns.example"}, .static_data = static_data(1)});
  });
  EXPECT_NE(run({"plan"}).output.find("\n  root time.example is new\n"), std::string::npos) << run({"plan"}).output;
  ASSERT_EQ(run({"push"}).code, control::exit_done);
  EXPECT_NE(run({"plan"}).output.find("\n  nothing changes\n"), std::string::npos) << run({"plan"}).output;
  hub_.database().transact([](soci::session& sql) {
    registry::remove_root(sql, {"test", "", test_time}, "time.example");
  });
  const Outcome plan = run({"plan"});
  EXPECT_NE(plan.output.find("\n  root time.example is gone"), std::string::npos) << plan.output;
  EXPECT_EQ(plan.output.find("nothing changes"), std::string::npos) << plan.output;
  const json changes = run_json({"plan"})["data_changes"];
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0]["kind"], "root_removed");
  EXPECT_EQ(changes[0]["root"], "time.example");
}

TEST_F(HubCommands, PushSendsExactlyTheReviewedPlan) {
  const std::string file = directory_.file("plan.json");
  ASSERT_EQ(run({"plan", "-o", file}).code, control::exit_done);
  const Outcome pushed = run({"push", file, "--as", "alice"});
  EXPECT_EQ(pushed.code, control::exit_done) << pushed.failure;
  EXPECT_NE(pushed.output.find("done: all POPs run it"), std::string::npos) << pushed.output;
  const json plan = json::parse(control::as_text(control::read_file(file)));
  EXPECT_EQ(plan["serial"], current_serial());
  const json one = run_json({"history", std::to_string(current_serial())});
  EXPECT_EQ(one["checksum"], plan["checksum"]);
  EXPECT_EQ(one["plan"], plan);
  EXPECT_EQ(one["who"], "alice");
  const Outcome again = run({"push", file});
  EXPECT_EQ(again.code, control::exit_refused);
  EXPECT_NE(again.failure.find("no longer matches"), std::string::npos) << again.failure;
}

TEST_F(HubCommands, APlanOfAnotherRegistryIsRefused) {
  const std::string file = directory_.file("plan.json");
  ASSERT_EQ(run({"plan", "-o", file}).code, control::exit_done);
  change(2);
  const Outcome pushed = run({"push", file});
  EXPECT_EQ(pushed.code, control::exit_refused);
  EXPECT_NE(pushed.failure.find("no longer matches"), std::string::npos) << pushed.failure;
  EXPECT_EQ(pop(0).loads(), 0u);
}

TEST_F(HubCommands, PopsThatAreAwayMakeTheExitCode) {
  pop(1).die();
  EXPECT_EQ(run({"push"}).code, control::exit_incomplete);
  EXPECT_EQ(run({"push", "--resume"}).code, control::exit_incomplete);
  const json status = run_json({"pop", "status"}, control::exit_incomplete);
  EXPECT_EQ(status["pops"][0]["is_current"], true);
  EXPECT_EQ(status["pops"][1]["state"], "away");
  pop(1).restart();
  EXPECT_EQ(run({"push", "--resume"}).code, control::exit_done);
  EXPECT_EQ(run_json({"pop", "status"})["pops"][1]["serial"], current_serial());
}

TEST_F(HubCommands, AFailedPushIsRefused) {
  for (size_t i = 0; i < 3; ++i) pop(i).set(Wrong::refuses);
  const Outcome pushed = run({"push"});
  EXPECT_EQ(pushed.code, control::exit_refused);
  EXPECT_NE(pushed.output.find("out of memory"), std::string::npos) << pushed.output;
}

TEST_F(HubCommands, ConfirmAndRevert) {
  EXPECT_EQ(run({"confirm"}).code, control::exit_refused);
  ASSERT_EQ(run({"push"}).code, control::exit_done);
  change(2);
  EXPECT_EQ(run({"push", "--confirm-within", "5m"}).code, control::exit_done);
  EXPECT_TRUE(pop(0).is_unconfirmed());
  EXPECT_NE(run({"pop", "status"}).output.find("unconfirmed, goes back in"), std::string::npos);
  const Outcome another = run({"push"});
  EXPECT_EQ(another.code, control::exit_refused) << "there would be nothing to push, but nobody knows yet";
  EXPECT_NE(another.failure.find("waits for"), std::string::npos) << another.failure;
  EXPECT_EQ(run({"confirm", "--reason", "two\nlines"}).code, control::exit_refused);
  EXPECT_TRUE(pop(0).is_unconfirmed());
  EXPECT_EQ(run({"confirm", "--as", "bob", "--reason", "answers are right"}).code, control::exit_done);
  EXPECT_FALSE(pop(0).is_unconfirmed());
  hub_.database().read([](soci::session& sql) {
    const auto entries = registry::read_audit(sql, {.kind = "push", .who = "bob"});
    ASSERT_EQ(entries.size(), 1u);
    EXPECT_EQ(entries[0].action + ": " + entries[0].reason, "confirm: answers are right");
  });
  const int64_t confirmed = current_serial();
  change(3);
  EXPECT_EQ(run({"push", "--canary", "--soak", "0s", "--confirm-within", "5m"}).code, control::exit_done);
  EXPECT_EQ(run({"confirm", "--revert"}).code, control::exit_done);
  EXPECT_EQ(current_serial(), confirmed);
}

TEST_F(HubCommands, RollbackHoldsTheHub) {
  ASSERT_EQ(run({"push"}).code, control::exit_done);
  const int64_t first = current_serial();
  change(2);
  ASSERT_EQ(run({"push"}).code, control::exit_done);
  EXPECT_EQ(run({"rollback", std::to_string(first)}).code, control::exit_usage);
  EXPECT_EQ(run({"rollback", "5", "--reason", "x"}).code, control::exit_refused);
  EXPECT_EQ(run({"rollback", std::to_string(first), "--reason", "wrong answers"}).code, control::exit_done);
  EXPECT_EQ(current_serial(), first);
  EXPECT_NE(run({"pop", "status"}).output.find("wrong answers"), std::string::npos);
  EXPECT_EQ(run({"hub", "resume"}).code, control::exit_done);
  EXPECT_EQ(run({"hub", "resume"}).code, control::exit_refused);
  const json history = run_json({"history"});
  ASSERT_EQ(history.size(), 3u);
  EXPECT_EQ(history[0]["serial"], first);
  EXPECT_EQ(history[0]["reason"], "wrong answers");
  // What is planned next starts from what was rolled back to, and its serial is greater than all.
  EXPECT_EQ(run_json({"plan"})["base"], first);
  EXPECT_GT(run_json({"plan"})["serial"].get<int64_t>(), history[1]["serial"].get<int64_t>());
}

TEST_F(HubCommands, WrongOptions) {
  EXPECT_EQ(run({"push", "--force"}).code, control::exit_usage);
  EXPECT_EQ(run({"push", "--resume", "--canary"}).code, control::exit_usage);
  EXPECT_EQ(run({"push", "--confirm-within", "soon"}).code, control::exit_usage);
  EXPECT_EQ(run({"push", "--confirm-within", "1s"}).code, control::exit_usage);
  EXPECT_EQ(run({"push", "--pop", "nobody"}).code, control::exit_refused);
  EXPECT_EQ(run({"push", directory_.file("none.json")}).code, control::exit_refused);
  EXPECT_EQ(run({"history", "7"}).code, control::exit_refused);
  EXPECT_EQ(pop(0).loads(), 0u);
}

// POPs wait for a day at most.
TEST_F(HubCommands, CanariesDoNotWaitTooLong) {
  pop(0).set(Wrong::refuses);
  for (const auto& [words, sum] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"push", "--canary", "--soak", "1d"}, "86400 s and 180 s more"},
           {{"push", "--canary", "--soak", "12h", "--confirm-within", "13h"}, "43200 s and 46800 s more"},
           {{"rollback", "1", "--reason", "x", "--canary", "--soak", "86221s"}, "86221 s and 180 s more"}}) {
    const Outcome outcome = run(words);
    EXPECT_EQ(outcome.code, control::exit_usage);
    EXPECT_NE(outcome.failure.find(sum), std::string::npos) << outcome.failure;
  }
  EXPECT_EQ(pop(0).loads(), 0u);
  pop(0).set(Wrong::nothing);
  EXPECT_EQ(run({"push", "--soak", "1d", "--confirm-within", "1d"}).code, control::exit_done)
      << "there are no canaries";
  EXPECT_GT(pop(0).last_begin()->confirm_seconds(), 86'000u);
}

TEST_F(HubCommands, UnknownTablesAreTold) {
  ASSERT_EQ(run({"push"}).code, control::exit_done);
  const std::string file = directory_.write("zone", control::as_text(image_of(4'000'000'000)));
  ASSERT_EQ(
      control::test::run_command({"pop", "push", "--zone", file, "--pop", address_of(1)}, control::add_pop_command)
          .code,
      control::exit_done);
  const Outcome status = run({"pop", "status"});
  EXPECT_EQ(status.code, control::exit_incomplete);
  EXPECT_NE(status.output.find("unknown tables (4000000000)"), std::string::npos) << status.output;
  EXPECT_GT(run_json({"plan"})["serial"], 4'000'000'000) << "greater than what a POP runs";
  EXPECT_EQ(run({"push", "--resume"}).code, control::exit_done);
  EXPECT_EQ(run({"pop", "status"}).code, control::exit_done);
}

} // namespace
} // namespace anytick::test
