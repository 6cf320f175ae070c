#include "control/commands/policy_command.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "control/commands/geo_command.h"
#include "control/commands/zone_command.h"
#include "control/pattern_trial.h"
#include "control_explained.h"
#include "control_files.h"
#include "control_run.h"

namespace anytick::control::test {
namespace {

/// `anytick policy` as the program runs it.
class PolicyCommand : public testing::Test {
 protected:
  struct Said {
    int code;
    std::string output; ///< standard output, then what was said on standard error and why it failed
  };

  Said run(const std::vector<std::string>& words) const {
    testing::internal::CaptureStderr();
    const Outcome outcome = run_command(words, add_zone_command, add_geo_command, add_policy_command);
    std::string text = outcome.output + testing::internal::GetCapturedStderr();
    if (!outcome.failure.empty()) text += outcome.failure + '\n';
    for (size_t at; (at = text.find(file_)) != text.npos;) text.replace(at, file_.size(), "FILE");
    return {outcome.code, text};
  }
  Said check(std::string_view policy) const {
    directory_.write("policy.toml", policy);
    return run({"policy", "check", file_});
  }
  Said tested(const std::string& name, std::vector<std::string> more) const {
    directory_.write("policy.toml", policy_);
    more.insert(more.begin(), {"policy", "test", file_, name});
    return run(more);
  }

  TemporaryDirectory directory_;
  std::string file_ = directory_.file("policy.toml");
  static constexpr std::string_view policy_ = R"([[rule]]
name = "seen"
on = "all"
qtypes = ["A", "TXT"]
action = "tag seen"

[[rule]]
name = "ours"
clients = ["192.0.2.0/24"]
action = "allow"

[[rule]]
name = "hex"
pattern = '^[0-9a-f]{12,}\.'
action = "limit 10/s per source"
beyond = "refuse"

[[rule]]
name = "french"
countries = ["fr"]
on = "all"
action = "truncate"

[[rule]]
name = "rest"
action = "drop"
)";
};

TEST_F(PolicyCommand, ChecksWhatIsGood) {
  const Said said = check(policy_);
  EXPECT_EQ(said.code, exit_done);
  EXPECT_EQ(said.output, "FILE: no faults, 5 rules, 0 warnings\n");
  EXPECT_EQ(check("").output, "FILE: no faults, 0 rules, 0 warnings\n");
}

TEST_F(PolicyCommand, ChecksTheText) {
  const Said said = check("[[rule]]\nname = 'a'\nqtypes = ['AX']\n[[rule]]\naction = 'drop'\n");
  EXPECT_EQ(said.code, exit_refused);
  EXPECT_EQ(said.output,
            "FILE at line 1, column 1: rule[0].action: missing\n"
            "FILE at line 3, column 11: rule[0].qtypes[0]: 'AX' is no type known here; write it as TYPE64\n"
            "FILE at line 4, column 1: rule[1].name: missing\n"
            "3 faults\n");
}

TEST_F(PolicyCommand, ChecksEveryPatternAndWarns) {
  const Said said = check(R"([[rule]]
name = "a"
pattern = '('
action = "drop"
[[rule]]
name = "b"
pattern = 'b'
action = "drop"
[[rule]]
name = "c"
pattern = 'x*'
action = "drop"
[[rule]]
name = "d"
pattern = 'b'
action = "refuse"
)");
  EXPECT_EQ(said.code, exit_refused);
  EXPECT_EQ(
      said.output,
      "FILE at line 1: rule 'a': pattern: Missing close parenthesis for group started at index 0.\n"
      "FILE at line 9: rule 'c': pattern: matches the empty string, which is no name; leave `pattern` out to match "
      "all\n"
      "FILE at line 13: warning: rule 'd' is left nothing by rule 'b' of line 5\n"
      "2 faults, 1 warning\n");
}

TEST_F(PolicyCommand, ExitsByWhatIsWrong) {
  EXPECT_EQ(run({"policy", "check", directory_.file("none")}).code, exit_refused);
  EXPECT_EQ(tested("x", {"--client", "192.0.2.300"}).code, exit_usage);
  EXPECT_EQ(tested("x", {"--client", "192.0.2.1/33"}).code, exit_usage);
  EXPECT_EQ(tested("x", {"--client", "192.0.2.1", "--source", "192.0.2.0/24"}).code, exit_usage);
  EXPECT_EQ(tested("x", {"--client", "192.0.2.1", "--type", "AX"}).code, exit_usage);
  EXPECT_EQ(tested("x..y", {"--client", "192.0.2.1"}).code, exit_usage);
  EXPECT_EQ(tested("x", {"--client", "192.0.2.1", "--geo", file_}).code, exit_refused);
  EXPECT_EQ(tested("x", {"--client", "192.0.2.1", "--zone", file_}).code, exit_refused);
}

TEST_F(PolicyCommand, TestsAMiss) {
  const Said said = tested("0123456789AB.pool.example", {"--client", "198.51.100.1", "--miss"});
  EXPECT_EQ(said.code, exit_done);
  EXPECT_EQ(said.output, R"(0123456789AB.pool.example. a from 198.51.100.1, country not known, over UDP
a miss: no zone has the name
  seen    matches: tag seen
  ours    no: clients: none of these
  hex     matches: limit 10/s per source, beyond: refuse
  french  no: countries: the client's is not known
  rest    matches: drop
verdict: drop, by rest; beyond the rate of hex: refuse
)");
}

TEST_F(PolicyCommand, TestsBothWhereItIsNotTold) {
  const Said said = tested("x.pool.example.", {"--client", "192.0.2.1", "--type", "aaaa", "--tcp"});
  EXPECT_EQ(said.code, exit_done);
  EXPECT_EQ(said.output, R"(x.pool.example. aaaa from 192.0.2.1, country not known, over a stream
a miss: no zone has the name
  seen    no: qtypes: not of these
  ours    matches: allow
  hex     no: pattern: does not match
  french  no: countries: the client's is not known
  rest    matches: drop
verdict: allow, by ours
a hit: a zone answers for the name
  seen    no: qtypes: not of these
  ours    no: on: it is for misses only
  hex     no: on: it is for misses only
  french  no: countries: the client's is not known
  rest    no: on: it is for misses only
verdict: allow, no rule decides
)");
}

TEST_F(PolicyCommand, SaysThatASourceIsNotKnown) {
  const Said said = tested("x", {"--client", "192.0.2.0/24", "--miss"});
  EXPECT_NE(said.output.find("from a source that is not known with client subnet 192.0.2.0/24,"), std::string::npos)
      << said.output;
  EXPECT_NE(said.output.find("ours    no: clients: the source is not known (--source)\n"), std::string::npos);
  EXPECT_NE(said.output.find("verdict: drop, by rest\n"), std::string::npos);
  const Said known = tested("x", {"--client", "203.0.113.0/24", "--source", "192.0.2.9", "--miss"});
  EXPECT_NE(known.output.find("verdict: allow, by ours\n"), std::string::npos) << known.output;
}

TEST_F(PolicyCommand, LooksIntoZoneAndMap) {
  const std::string image = directory_.file("image");
  const std::string map = directory_.file("map");
  run({"zone", "compile", directory_.write("geo.example.json", explained_zone), "-o", image});
  run({"geo", "compile", "--override", directory_.write("overrides", explained_overrides), "-o", map});
  const auto verdict = [&](const std::string& name, const std::string& client) {
    const Said said = tested(name, {"--client", client, "--zone", image, "--geo", map, "--json"});
    EXPECT_EQ(said.code, exit_done) << said.output;
    const auto json = nlohmann::json::parse(said.output);
    const auto& outcome = json["outcomes"].at(0);
    EXPECT_EQ(json["outcomes"].size(), 1u);
    return std::string(outcome["miss"].get<bool>() ? "miss " : "hit ") + outcome["verdict"].get<std::string>();
  };
  EXPECT_EQ(verdict("0.geo.example", "198.51.104.1"), "hit allow");
  EXPECT_EQ(verdict("0.GEO.example", "203.0.113.1"), "hit truncate");
  EXPECT_EQ(verdict("0.geo.example", "203.0.113.0/24"), "hit truncate");
  EXPECT_EQ(verdict("any.wild.geo.example", "198.51.104.1"), "hit allow");
  EXPECT_EQ(verdict("x.child.geo.example", "198.51.104.1"), "hit allow");
  EXPECT_EQ(verdict("none.geo.example", "198.51.104.1"), "miss drop");
  EXPECT_EQ(verdict("none.example", "198.51.104.1"), "miss drop");
  EXPECT_EQ(verdict("none.example", "203.0.113.1"), "miss truncate");
}

TEST_F(PolicyCommand, TellsAllAsJson) {
  const auto json =
      nlohmann::json::parse(tested("0123456789ab.x", {"--client", "198.51.100.1", "--miss", "--json"}).output);
  EXPECT_EQ(json["name"], "0123456789ab.x.");
  EXPECT_EQ(json["source"], "198.51.100.1");
  EXPECT_TRUE(json["subnet"].is_null() && json["country"].is_null());
  const auto& outcome = json["outcomes"][0];
  EXPECT_EQ(outcome["verdict"], "drop");
  EXPECT_EQ(outcome["rule"], "rest");
  EXPECT_EQ(outcome["limits"], nlohmann::json::array({"hex"}));
  EXPECT_EQ(outcome["rules"][1],
            (nlohmann::json{{"name", "ours"}, {"line", 7}, {"action", "allow"}, {"step", "clients"}}));
}

core::PolicyRule rule_of(const std::string& name, uint32_t line, const std::string& pattern) {
  core::PolicyRule rule;
  rule.name = name;
  rule.line = line;
  rule.pattern = pattern;
  return rule;
}

/// Takes Hyperscan about a second before it gives up.
constexpr const char* slow_pattern = "^([a-z]+\\.){1,500}(x|y){2,500}(a.?){3,500}$";

std::string told(const std::vector<Refusal>& faults) {
  std::string text;
  for (const Refusal& fault : faults) text += fault.text() + '\n';
  return text;
}

TEST(PatternTrial, NamesWhatTakesTooLong) {
  PatternBudget budget;
  budget.each = std::chrono::milliseconds(50);
  EXPECT_EQ(told(try_patterns({rule_of("a", 1, "a"), rule_of("b", 5, slow_pattern), rule_of("c", 9, "("),
                               rule_of("d", 13, slow_pattern)},
                              "p", budget)),
            "p at line 5: rule 'b': pattern: takes more than 0.05 s or 1024 MiB to compile\n"
            "p at line 9: rule 'c': pattern: Missing close parenthesis for group started at index 0.\n"
            "p at line 13: rule 'd': pattern: takes more than 0.05 s or 1024 MiB to compile\n");
}

TEST(PatternTrial, TriesAllTogether) {
  std::vector<core::PolicyRule> rules;
  for (uint32_t i = 0; i < 4; ++i) rules.push_back(rule_of("r", i, "^(a?b?c?d?e?){1,12" + std::to_string(i) + "}x$"));
  PatternBudget budget;
  budget.together = std::chrono::milliseconds(20);
  EXPECT_EQ(told(try_patterns(rules, "p", budget)),
            "p: all patterns together take more than 0.02 s or 1024 MiB to compile\n");
}

} // namespace
} // namespace anytick::control::test
