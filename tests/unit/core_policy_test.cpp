#include "dataplane/core/policy.h"

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/packets/policies.h"
#include "tests/unit/allocations.h"
#include "tests/unit/core_policy.h"

namespace anytick::core {
namespace {

using anytick::test::allocations;
using anytick::test::build_policy;
using test::Asked;
using test::AskedQuery;
using test::judge;
using test::parsed;

std::string_view verdict_text(PolicyVerdict verdict) {
  static constexpr std::array<std::string_view, 4> texts{"allow", "drop", "refuse", "truncate"};
  return texts[static_cast<size_t>(verdict)];
}

/// One query to a policy, and what came of it.
struct JudgeCase {
  std::string name;
  std::string rules; ///< "drop: key = value; ..." each, in order
  Asked asked;
  std::string expected; ///< verdict, and the rules that matched
};

void PrintTo(const JudgeCase& each, std::ostream* out) {
  *out << each.name;
}

/// "drop: pattern = 'a'; on = 'all'" in each line: action and keys. Rules are named r0, r1 ...
std::string toml_of(const std::string& lines) {
  std::string toml;
  std::istringstream in(lines);
  int count = 0;
  for (std::string line; std::getline(in, line); ++count) {
    const size_t colon = line.find(':');
    toml += fmt::format("[[rule]]\nname = 'r{}'\naction = '{}'\n", count, line.substr(0, colon));
    if (colon == line.npos) continue;
    std::string keys = line.substr(colon + 1);
    std::ranges::replace(keys, ';', '\n');
    toml += keys + '\n';
  }
  return toml;
}

std::string outcome(const Policy& policy, const Asked& asked) {
  std::string text(verdict_text(judge(policy, asked)));
  for (size_t i = 0; i < policy.rules().size(); ++i) {
    if (policy.count(0, i).matched > 0) text += ' ' + policy.rules()[i].name;
    if (policy.count(0, i).decided > 0) text += '!';
  }
  return text;
}

class Judged : public testing::TestWithParam<JudgeCase> {};

TEST_P(Judged, ByTheFirstThatDecides) {
  const auto policy = build_policy(parsed(toml_of(GetParam().rules)));
  EXPECT_EQ(outcome(*policy, GetParam().asked), GetParam().expected);
}

std::string bytes_name(const std::string& label) {
  return std::string(1, static_cast<char>(label.size())) + label + std::string(1, '\0');
}

/// 255 bytes, of which each of a label has to be escaped.
std::string ones_name() {
  std::string wire;
  for (const size_t size : {63, 63, 63, 61}) wire += static_cast<char>(size) + std::string(size, '\1');
  return wire + '\0';
}

const std::string longest = "^" + std::string(63, 'a') + "\\.(a{63}\\.){2}a{61}$";

std::vector<JudgeCase> judge_cases() {
  const std::string hex = "drop: pattern = '^[0-9a-f]{12,}\\.'";
  const std::string us = "refuse: countries = ['us', 'zw', 'ad']";
  return {
      {"no_rules", "", {}, "allow"},
      {"no_condition", "drop", {}, "drop r0!"},
      {"hit_is_not_asked", "drop", {.miss = false}, "allow"},
      {"hit_all", "drop: on = 'all'", {.miss = false}, "drop r0!"},
      {"miss_all", "drop: on = 'all'", {}, "drop r0!"},
      {"hit_pattern", "drop: pattern = 'x'\nrefuse: pattern = 'x'; on = 'all'", {.miss = false}, "refuse r1!"},
      {"miss_pattern", "drop: pattern = 'x'\nrefuse: pattern = 'x'; on = 'all'", {}, "drop r0!"},
      {"pattern", hex, {.name = "0123456789ab.pool.example"}, "drop r0!"},
      {"pattern_folded", hex, {.name = "0123456789AB.Pool.Example"}, "drop r0!"},
      {"pattern_not", hex, {.name = "0123456789ag.pool.example"}, "allow"},
      {"pattern_capitals", "drop: pattern = '^[A-Z]+\\.POOL\\.'", {.name = "us.pool.example"}, "drop r0!"},
      {"no_trailing_dot", "drop: pattern = '\\.$'\nrefuse: pattern = 'example$'", {.name = "x.example"}, "refuse r1!"},
      {"root", "drop: pattern = '^\\.$'", {.name = "."}, "drop r0!"},
      {"root_only", "drop: pattern = '^\\.$'", {.name = "a"}, "allow"},
      {"escaped_dot", "drop: pattern = '^a\\\\\\.b\\.example$'", {.wire = "\3a.b" + bytes_name("example")}, "drop r0!"},
      {"escaped_dot_is_no_dot", "drop: pattern = '^a\\.b'", {.wire = "\3a.b" + bytes_name("example")}, "allow"},
      {"escaped_byte",
       "drop: pattern = '\\\\000\\\\255\\\\ '",
       {.wire = bytes_name(std::string("\0\xff ", 3))},
       "drop r0!"},
      {"longest",
       "drop: pattern = '" + longest + "'",
       {.name = std::string(63, 'a') + '.' + std::string(63, 'a') + '.' + std::string(63, 'a') + '.' +
                std::string(61, 'a')},
       "drop r0!"},
      {"longest_escaped",
       "drop: pattern = '^(\\\\001)+\\.(\\\\001)+\\.(\\\\001)+\\.(\\\\001)+$'",
       {.wire = ones_name()},
       "drop r0!"},
      {"qtype", "drop: qtypes = ['A', 'AAAA']", {.qtype = 28}, "drop r0!"},
      {"qtype_not", "drop: qtypes = ['A', 'AAAA']", {.qtype = 16}, "allow"},
      {"qtype_like", "drop: qtypes = ['A']", {.qtype = 513}, "allow"},
      {"qtype_pattern_like", "drop: qtypes = ['A']; pattern = 'x'", {.qtype = 513}, "allow"},
      {"qtype_pattern", "drop: qtypes = ['TYPE513']; pattern = 'x'", {.qtype = 513}, "drop r0!"},
      {"client", "drop: clients = ['192.0.2.0/25', '2001:db8::/32']", {.source = "192.0.2.127"}, "drop r0!"},
      {"client_not", "drop: clients = ['192.0.2.0/25', '2001:db8::/32']", {.source = "192.0.2.128"}, "allow"},
      {"client_before", "drop: clients = ['192.0.2.0/25']", {.source = "192.0.1.255"}, "allow"},
      {"client_ipv6", "drop: clients = ['192.0.2.0/25', '2001:db8::/32']", {.source = "2001:db8:ffff::1"}, "drop r0!"},
      {"client_ipv6_not", "drop: clients = ['192.0.2.0/25', '2001:db8::/32']", {.source = "2001:db9::"}, "allow"},
      {"client_other_family", "drop: clients = ['::/0']", {.source = "192.0.2.1"}, "allow"},
      {"client_any_ipv4", "drop: clients = ['0.0.0.0/0']", {.source = "255.255.255.255"}, "drop r0!"},
      {"client_any_ipv6", "drop: clients = ['::/0']", {.source = "ffff::ffff"}, "drop r0!"},
      {"country", us, {.country = "us"}, "refuse r0!"},
      {"country_first", us, {.country = "ad"}, "refuse r0!"},
      {"country_last", us, {.country = "zw"}, "refuse r0!"},
      {"country_not", us, {.country = "ut"}, "allow"},
      {"country_unknown", us, {}, "allow"},
      {"country_odd", us, {.country = "1\xff"}, "allow"},
      {"all_conditions",
       hex + "; qtypes = ['A']; clients = ['192.0.2.0/24']; countries = ['us']",
       {.name = "0123456789ab.a", .qtype = 1, .source = "192.0.2.1", .country = "us"},
       "drop r0!"},
      {"order",
       "tag seen\nallow: pattern = 'pool'\ndrop: pattern = 'pool'\nrefuse",
       {.name = "x.pool"},
       "allow r0 r1!"},
      {"order_of_others",
       "tag seen\nallow: pattern = 'pool'\ndrop: pattern = 'pool'\nrefuse",
       {.name = "x"},
       "refuse r0 r3!"},
      {"tags_go_on", "tag a\ntag b\ntag c: qtypes = ['TXT']", {}, "allow r0 r1"},
      {"truncate", "truncate", {}, "truncate r0!"},
      {"truncate_stream", "truncate\ndrop", {.udp = false}, "allow r0!"},
      {"limit_granted", "limit 1/s\nrefuse", {}, "refuse r0 r1!"},
      {"limit_source_without_limiter", "limit 1/s per source\nrefuse", {}, "refuse r0 r1!"},
  };
}

INSTANTIATE_TEST_SUITE_P(Policy, Judged, testing::ValuesIn(judge_cases()),
                         [](const auto& each) { return each.param.name; });

TEST(Policy, ExplainsStepByStep) {
  const auto policy =
      build_policy(parsed(toml_of("drop: on = 'all'; qtypes = ['TXT']\ndrop: clients = ['192.0.2.0/24']; on = 'all'\n"
                                  "drop: countries = ['us']; on = 'all'\ndrop: pattern = 'q'; on = 'all'\n"
                                  "drop: on = 'all'\ndrop\ndrop: pattern = 'x'; on = 'all'")));
  using Step = Policy::Step;
  const AskedQuery miss({.source = "198.51.100.1"});
  EXPECT_EQ(policy->explain(miss.query(), 0),
            (std::vector<Step>{Step::qtype, Step::client, Step::country, Step::pattern, Step::matched, Step::matched,
                               Step::matched}));
  const AskedQuery hit({.miss = false, .source = "198.51.100.1"});
  EXPECT_EQ(policy->explain(hit.query(), 0)[5], Step::on);
  for (size_t i = 0; i < policy->rules().size(); ++i) EXPECT_EQ(policy->count(0, i).matched, 0u) << i;
}

TEST(Policy, LooksAtWhatItsRulesAskFor) {
  EXPECT_FALSE(build_policy({})->looks_at(true));
  const auto misses = build_policy(parsed(toml_of("drop")));
  EXPECT_TRUE(misses->looks_at(true));
  EXPECT_FALSE(misses->looks_at(false));
  EXPECT_TRUE(build_policy(parsed(toml_of("drop\ndrop: on = 'all'")))->looks_at(false));
}

/// How many of `asked` a policy lets through in a row at one time.
unsigned granted(const Policy& policy, const Asked& asked, Limiter* limiter, Ticks now, unsigned thread = 0) {
  unsigned count = 0;
  while (count < 1000 && judge(policy, asked, thread, limiter, now) == PolicyVerdict::allow) ++count;
  return count;
}

TEST(Policy, LimitsAllTogether) {
  const auto policy = build_policy(parsed(toml_of("limit 10/s: beyond = 'refuse'")));
  const Ticks start = ticks_per_second * 1000;
  EXPECT_EQ(granted(*policy, {.source = "192.0.2.1"}, nullptr, start), 10u);
  EXPECT_EQ(judge(*policy, Asked{.source = "198.51.100.1"}, 0, nullptr, start), PolicyVerdict::refuse);
  EXPECT_EQ(granted(*policy, {}, nullptr, start + ticks_per_second / 2), 5u);
  EXPECT_EQ(granted(*policy, {}, nullptr, start + ticks_per_second / 2 + ticks_per_second / 10 - 1), 0u);
  EXPECT_EQ(granted(*policy, {}, nullptr, start + ticks_per_second / 2 + ticks_per_second / 10 + 1), 1u);
  EXPECT_EQ(granted(*policy, {}, nullptr, start + ticks_per_second * 100), 10u);
  EXPECT_EQ(policy->count(0, 0).matched - policy->count(0, 0).decided, 10u + 5 + 1 + 10);
}

TEST(Policy, LimitsAtAnyTimeOfTheClock) {
  // Its own times wrap at 2^48 ticks.
  for (const Ticks start :
       {Ticks{0}, Ticks{1} << 47, (Ticks{1} << 48) - 2 * ticks_per_second, ~Ticks{0} - ticks_per_second}) {
    const auto policy = build_policy(parsed(toml_of("limit 3/s")));
    for (Ticks second = 0; second < 4; ++second)
      EXPECT_EQ(granted(*policy, {}, nullptr, start + second * ticks_per_second), 3u) << start << '+' << second;
  }
}

TEST(Policy, SharesALimitAmongWorkers) {
  const auto policy = build_policy(parsed(toml_of("limit 100/s")), 5, 4);
  for (unsigned thread = 0; thread < 5; ++thread) EXPECT_EQ(granted(*policy, {}, nullptr, 0, thread), 25u) << thread;
  const auto slow = build_policy(parsed(toml_of("limit 1/s")), 4, 4);
  EXPECT_EQ(granted(*slow, {}, nullptr, 0), 1u);
  EXPECT_EQ(granted(*slow, {}, nullptr, 4 * ticks_per_second - 1), 0u);
  EXPECT_EQ(granted(*slow, {}, nullptr, 4 * ticks_per_second), 1u);
}

TEST(Policy, LimitsFasterThanTheClockTicks) {
  const auto policy = build_policy(parsed(toml_of("limit 2000000/s")));
  const AskedQuery asked({});
  unsigned count = 0;
  while (policy->judge(asked.query(), 0, nullptr, 0) == PolicyVerdict::allow) ++count;
  EXPECT_NEAR(count, 2e6, 1e3);
}

class PolicySources : public testing::Test {
 protected:
  std::vector<Limiter::Line> lines_ = std::vector<Limiter::Line>(1024);
  Limiter limiter_{LimitRules{}, lines_, {1, 2}};
  Ticks now_ = ticks_per_second * 1000;
};

TEST_F(PolicySources, EachHasItsRate) {
  const auto policy = build_policy(parsed(toml_of("limit 10/s per source")));
  EXPECT_EQ(granted(*policy, {.source = "192.0.2.1"}, &limiter_, now_), 10u);
  EXPECT_EQ(granted(*policy, {.source = "192.0.2.200"}, &limiter_, now_), 0u); // the same /24
  EXPECT_EQ(granted(*policy, {.source = "192.0.3.1"}, &limiter_, now_), 10u);
  EXPECT_EQ(granted(*policy, {.source = "2001:db8::1"}, &limiter_, now_), 10u);
  EXPECT_EQ(granted(*policy, {.source = "2001:db8:0:ff::1"}, &limiter_, now_), 0u); // the same /56
  EXPECT_EQ(granted(*policy, {.source = "192.0.2.1"}, &limiter_, now_ + ticks_per_second / 2 + 16), 5u);
}

TEST_F(PolicySources, EachRuleCountsForItself) {
  const auto policy =
      build_policy(parsed(toml_of("limit 10/s per source: qtypes = ['A']\nlimit 3/s per source: qtypes = ['TXT']")));
  EXPECT_EQ(granted(*policy, {.qtype = 1}, &limiter_, now_), 10u);
  EXPECT_EQ(granted(*policy, {.qtype = 16}, &limiter_, now_), 3u);
}

TEST_F(PolicySources, RulesOfTheSameNameGoOnInTheNextPolicy) {
  const auto before = build_policy(parsed("[[rule]]\nname = 'slow'\naction = 'limit 10/s per source'\n"));
  EXPECT_EQ(granted(*before, {}, &limiter_, now_), 10u);
  const auto after = build_policy(parsed("[[rule]]\nname = 'first'\naction = 'tag x'\n"
                                         "[[rule]]\nname = 'slow'\naction = 'limit 10/s per source'\n"));
  EXPECT_EQ(granted(*after, {}, &limiter_, now_), 0u);
  const auto other = build_policy(parsed("[[rule]]\nname = 'other'\naction = 'limit 10/s per source'\n"));
  EXPECT_EQ(granted(*other, {}, &limiter_, now_), 10u);
}

TEST(Policy, FindsTheOneOfManyRules) {
  for (const size_t count : {size_t{1000}, PolicyBounds::rules}) {
    std::string lines;
    for (size_t i = 0; i < count; ++i)
      lines += fmt::format("drop: pattern = '^v{}\\.pool\\.example$'{}\n", i, i % 2 == 0 ? "; on = 'all'" : "");
    const auto policy = build_policy(parsed(toml_of(lines)), 2);
    for (size_t i = 0; i < count; ++i) {
      const std::string name = fmt::format("v{}.pool.example", i);
      ASSERT_EQ(judge(*policy, Asked{.name = name}, 1), PolicyVerdict::drop) << name;
      ASSERT_EQ(judge(*policy, Asked{.name = name, .miss = false}, 1),
                i % 2 == 0 ? PolicyVerdict::drop : PolicyVerdict::allow)
          << name;
      ASSERT_EQ(policy->count(1, i).decided, i % 2 == 0 ? 2u : 1u) << name;
      ASSERT_EQ(policy->count(0, i).matched, 0u) << name;
    }
    EXPECT_EQ(judge(*policy, Asked{.name = "v.pool.example"}), PolicyVerdict::allow);
    EXPECT_GT(policy->memory_bytes(), count * sizeof(PolicyRule));
  }
}

TEST(Policy, LastOfManyWithoutPattern) {
  std::string lines;
  for (size_t i = 0; i + 1 < PolicyBounds::rules; ++i) lines += "tag x\n";
  const auto policy = build_policy(parsed(toml_of(lines + "drop")));
  EXPECT_EQ(judge(*policy, Asked{}), PolicyVerdict::drop);
  EXPECT_EQ(policy->count(0, PolicyBounds::rules - 2).matched, 1u);
}

TEST(Policy, JudgingAllocatesNothing) {
  const auto policy =
      build_policy(parsed(toml_of("tag x: clients = ['192.0.2.0/24']; countries = ['us']\nlimit 5/s\n"
                                  "limit 5/s per source: pattern = '^a+'\ndrop: pattern = '(foo|bar)[0-9]{2,9}x'")));
  std::vector<Limiter::Line> lines(64);
  Limiter limiter(LimitRules{}, lines, {1, 2});
  const Asked asked{.name = "aaaaa.foo123x.example", .source = "192.0.2.1", .country = "us"};
  const AskedQuery asked_query(asked);
  const uint64_t before = allocations();
  for (int i = 0; i < 100; ++i) policy->judge(asked_query.query(), 0, &limiter, 0);
  EXPECT_EQ(allocations(), before);
  EXPECT_GT(policy->count(0, 3).decided, 0u);
}

TEST(Policy, RefusesPatternsOfOthers) {
  const auto rules = parsed(toml_of("drop: pattern = 'a'"));
  const auto compiled = compile_patterns(rules, "p");
  ASSERT_TRUE(compiled);
  EXPECT_FALSE(Policy::build(rules, CompiledPatterns{}, 1, 1));
  EXPECT_FALSE(Policy::build({}, *compiled, 1, 1));
  CompiledPatterns cut = *compiled;
  cut.misses.resize(cut.misses.size() / 2);
  EXPECT_FALSE(Policy::build(rules, cut, 1, 1));
  CompiledPatterns changed = *compiled;
  changed.misses[0] = static_cast<char>(~changed.misses[0]);
  EXPECT_FALSE(Policy::build(rules, changed, 1, 1));
}

} // namespace
} // namespace anytick::core
