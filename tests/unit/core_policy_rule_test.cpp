#include "dataplane/core/policy_rule.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "dataplane/core/policy.h"
#include "dataplane/core/type_names.h"

namespace anytick::core {
namespace {

std::string texts(const std::vector<Refusal>& faults) {
  std::string text;
  for (const Refusal& fault : faults) text += fault.text() + '\n';
  return text;
}

std::vector<PolicyRule> parsed(const std::string& text) {
  ParsedPolicy policy = parse_policy(text, "policy.toml");
  EXPECT_EQ(texts(policy.faults), "") << text;
  return std::move(policy.rules);
}

/// A rule of these lines, named "r".
std::string rule_of(const std::string& lines) {
  return "[[rule]]\nname = 'r'\n" + lines + '\n';
}

TEST(PolicyRule, AllKeys) {
  const auto rules = parsed(R"(
[[rule]]
name = "random-subdomains"
pattern = '^[0-9a-f]{12,}\.'
on = "all"
qtypes = ["aaaa", "A", "TYPE65280", "https", "a"]
clients = ["198.51.100.0/24", "192.0.2.7", "2001:db8::/32", "192.0.2.7/32"]
countries = ["us", "fr"]
action = "limit 10/s per source"
beyond = "refuse"
)");
  ASSERT_EQ(rules.size(), 1u);
  const PolicyRule& rule = rules[0];
  EXPECT_EQ(rule.name, "random-subdomains");
  EXPECT_EQ(rule.pattern, "^[0-9a-f]{12,}\\.");
  EXPECT_TRUE(rule.on_all);
  EXPECT_EQ(rule.qtypes, (std::vector<uint16_t>{1, 28, 65, 65280}));
  std::string clients;
  for (const geo::Prefix& each : rule.clients) clients += geo::to_text(each) + ' ';
  EXPECT_EQ(clients, "192.0.2.7/32 198.51.100.0/24 2001:db8::/32 ");
  EXPECT_EQ(rule.countries, (std::vector<std::array<char, 2>>{{'f', 'r'}, {'u', 's'}}));
  EXPECT_EQ(rule.action, PolicyAction::limit);
  EXPECT_EQ(rule.per_second, 10u);
  EXPECT_TRUE(rule.per_source);
  EXPECT_EQ(rule.beyond, PolicyAction::refuse);
  EXPECT_EQ(rule.line, 2u);
}

TEST(PolicyRule, Defaults) {
  const auto rules = parsed(rule_of("action = 'drop'"));
  ASSERT_EQ(rules.size(), 1u);
  EXPECT_EQ(rules[0].pattern, "");
  EXPECT_FALSE(rules[0].on_all);
  EXPECT_TRUE(rules[0].qtypes.empty() && rules[0].clients.empty() && rules[0].countries.empty());
}

TEST(PolicyRule, NoRules) {
  EXPECT_TRUE(parsed("").empty());
  EXPECT_TRUE(parsed("rule = []\n").empty());
}

struct ActionCase {
  const char* name;
  const char* lines;
  const char* text; ///< action_text() of what was read
};

class Actions : public testing::TestWithParam<ActionCase> {};

TEST_P(Actions, ReadAndWritten) {
  const auto rules = parsed(rule_of(GetParam().lines));
  ASSERT_EQ(rules.size(), 1u);
  EXPECT_EQ(action_text(rules[0]), GetParam().text);
}

INSTANTIATE_TEST_SUITE_P(
    Policy, Actions,
    testing::Values(ActionCase{"allow", "action = 'allow'", "allow"}, ActionCase{"drop", "action = 'drop'", "drop"},
                    ActionCase{"refuse", "action = 'refuse'", "refuse"},
                    ActionCase{"truncate", "action = 'truncate'", "truncate"},
                    ActionCase{"tag", "action = 'tag Old_clients-1.x'", "tag Old_clients-1.x"},
                    ActionCase{"limit", "action = 'limit 10000000/s'", "limit 10000000/s, beyond: drop"},
                    ActionCase{"limit_truncate", "action = 'limit 1/s'\nbeyond = 'truncate'",
                               "limit 1/s, beyond: truncate"},
                    ActionCase{"limit_source", "action = 'limit 100000/s per source'\nbeyond = 'drop'",
                               "limit 100000/s per source, beyond: drop"}),
    [](const auto& each) { return each.param.name; });

struct FaultCase {
  const char* name;
  std::string text;
  std::string faults; ///< of policy.toml, a line each
};

void PrintTo(const FaultCase& each, std::ostream* out) {
  *out << each.name;
}

class Faulty : public testing::TestWithParam<FaultCase> {};

TEST_P(Faulty, IsRefusedByLine) {
  const ParsedPolicy policy = parse_policy(GetParam().text, "p");
  EXPECT_TRUE(policy.rules.empty());
  EXPECT_EQ(texts(policy.faults), GetParam().faults);
}

const std::string any_action =
    R"(must be "allow", "drop", "refuse", "truncate", "limit N/s", "limit N/s per source" or "tag NAME")";
const std::string name_form = "1 to 63 letters, digits, '-', '_' and '.'";

FaultCase action_fault(const char* name, const std::string& action, const std::string& reason) {
  return {name, rule_of("action = '" + action + "'"), "p at line 3, column 10: rule[0].action: " + reason + '\n'};
}

FaultCase key_fault(const char* name, const std::string& line, size_t column, const std::string& fault) {
  return {name, rule_of("action = 'drop'\n" + line),
          fmt::format("p at line 4, column {}: rule[0].{}\n", column, fault)};
}

std::string many_clients(int count) {
  std::string list;
  for (int i = 0; i < count; ++i) list += fmt::format("'10.{}.{}.0/24', ", i / 256, i % 256);
  return "clients = [" + list + "]";
}

INSTANTIATE_TEST_SUITE_P(
    Policy, Faulty,
    testing::Values(
        FaultCase{"no_name", "[[rule]]\naction = 'drop'\n", "p at line 1, column 1: rule[0].name: missing\n"},
        FaultCase{"no_action", "[[rule]]\nname = 'r'\n", "p at line 1, column 1: rule[0].action: missing\n"},
        FaultCase{"bad_name", "[[rule]]\nname = 'a b'\naction = 'drop'\n",
                  "p at line 2, column 8: rule[0].name: must have " + name_form + "\n"},
        FaultCase{"long_name", "[[rule]]\nname = '" + std::string(64, 'n') + "'\naction = 'drop'\n",
                  "p at line 2, column 8: rule[0].name: must have " + name_form + "\n"},
        FaultCase{"empty_name", "[[rule]]\nname = ''\naction = 'drop'\n",
                  "p at line 2, column 8: rule[0].name: must be a string that is not empty\n"},
        FaultCase{"same_name", rule_of("action = 'drop'") + rule_of("action = 'allow'"),
                  "p at line 5, column 8: rule[1].name: 'r' is the name of the rule of line 1\n"},
        FaultCase{"not_tables", "rule = 7\n", "p at line 1, column 8: rule: must be an array\n"},
        FaultCase{"not_a_table", "rule = [7]\n", "p at line 1, column 9: rule[0]: must be a table: [[rule]]\n"},
        FaultCase{"root_key", "rules = []\n", "p at line 1, column 1: rules: unknown key\n"},
        key_fault("rule_key", "qtype = 'A'", 1, "qtype: unknown key"),
        key_fault("on", "on = 'hit'", 6, R"(on: must be one of "miss", "all")"),
        key_fault("beyond_nothing", "beyond = 'refuse'", 10, "beyond: is for a limit only"),
        key_fault("pattern_type", "pattern = 7", 11, "pattern: must be a string that is not empty"),
        key_fault("pattern_empty", "pattern = ''", 11, "pattern: must be a string that is not empty"),
        key_fault("pattern_long", "pattern = '" + std::string(513, 'a') + "'", 11, "pattern: longer than 512 bytes"),
        key_fault("pattern_zero", R"(pattern = "a\u0000b")", 11, R"(pattern: has a zero byte; in names that is \000)"),
        key_fault("pattern_utf8", "pattern = 'm\xc3\xbcll'", 11,
                  R"(pattern: is not ASCII: other bytes of a name read \195, and xn-- labels read as such)"),
        key_fault("qtypes_empty", "qtypes = []", 10, "qtypes: must not be empty; without the key all match"),
        key_fault("qtypes_text", "qtypes = 'A'", 10, "qtypes: must be an array"),
        key_fault("qtypes_number", "qtypes = [1]", 11, "qtypes[0]: must be a string"),
        key_fault("qtypes_unknown", "qtypes = ['A', 'AAAAA']", 16,
                  "qtypes[1]: 'AAAAA' is no type known here; write it as TYPE64"),
        key_fault("qtypes_large", "qtypes = ['TYPE65536']", 11,
                  "qtypes[0]: 'TYPE65536' is no type known here; write it as TYPE64"),
        key_fault("clients_bits", "clients = ['192.0.2.1/24']", 12,
                  "clients[0]: '192.0.2.1/24' is no address, and no prefix with the bits beyond its length zero"),
        key_fault("clients_length", "clients = ['192.0.2.0/33']", 12,
                  "clients[0]: '192.0.2.0/33' is no address, and no prefix with the bits beyond its length zero"),
        key_fault("clients_empty", "clients = []", 11, "clients: must not be empty; without the key all match"),
        key_fault("clients_many", many_clients(1025), 11, "clients: more than 1024 prefixes"),
        key_fault("countries", "countries = ['us', 'uk']", 20, "countries[1]: 'uk' is no country of ISO 3166-1"),
        key_fault("countries_case", "countries = ['US']", 14, "countries[0]: 'US' is no country of ISO 3166-1"),
        action_fault("action_unknown", "deny", any_action), action_fault("action_more", "drop it", any_action),
        action_fault("action_space", "drop ", any_action),
        action_fault("tag_none", "tag", R"(must be "tag NAME", where NAME has )" + name_form),
        action_fault("tag_form", "tag a b", R"(must be "tag NAME", where NAME has )" + name_form),
        action_fault("limit_none", "limit", R"(must be "limit N/s" or "limit N/s per source")"),
        action_fault("limit_unit", "limit 10/m", R"(must be "limit N/s" or "limit N/s per source")"),
        action_fault("limit_zero", "limit 0/s", "the rate must be from 1 to 10000000"),
        action_fault("limit_negative", "limit -1/s", R"(must be "limit N/s" or "limit N/s per source")"),
        action_fault("limit_large", "limit 10000001/s", "the rate must be from 1 to 10000000"),
        action_fault("limit_huge", "limit 99999999999/s", "the rate must be from 1 to 10000000"),
        action_fault("limit_source_large", "limit 100001/s per source", "the rate must be from 1 to 100000"),
        FaultCase{"beyond", rule_of("action = 'limit 1/s'\nbeyond = 'allow'"),
                  "p at line 4, column 10: rule[0].beyond: must be one of \"drop\", \"refuse\", \"truncate\"\n"},
        FaultCase{"large", std::string((1u << 20) + 1, '#'), "p: larger than 1048576 bytes\n"}),
    [](const auto& each) { return each.param.name; });

TEST(PolicyRule, AllFaultsAtOnce) {
  const ParsedPolicy policy = parse_policy("[[rule]]\nname = '?'\non = 1\nx = 2\n[[rule]]\naction = 'go'\n", "p");
  EXPECT_EQ(texts(policy.faults), "p at line 1, column 1: rule[0].action: missing\n"
                                  "p at line 2, column 8: rule[0].name: must have " +
                                      name_form +
                                      "\n"
                                      "p at line 3, column 6: rule[0].on: must be one of \"miss\", \"all\"\n"
                                      "p at line 4, column 1: rule[0].x: unknown key\n"
                                      "p at line 5, column 1: rule[1].name: missing\n"
                                      "p at line 6, column 10: rule[1].action: " +
                                      any_action + "\n");
}

TEST(PolicyRule, NoToml) {
  for (const std::string text : {"[[rule]", "name = \"\xff\"", "a = 1\na = 2", "\xc3"}) {
    const ParsedPolicy policy = parse_policy(text, "p");
    ASSERT_EQ(policy.faults.size(), 1u) << text;
    EXPECT_TRUE(policy.faults[0].where.starts_with("line ")) << policy.faults[0].text();
  }
}

TEST(PolicyRule, KeysThatWouldExhaustTheStack) {
  std::string key = "a";
  for (int i = 0; i < 400'000; ++i) key += ".a";
  const std::string reason = ": keys of too many parts\n";
  EXPECT_EQ(texts(parse_policy("\n" + key + " = 1\n", "p").faults), "p at line 2" + reason);
  EXPECT_EQ(texts(parse_policy("[" + key + "]\n", "p").faults), "p at line 1" + reason);
  EXPECT_EQ(texts(parse_policy("x = \"\"\"\n\"\\\"\n\"\"\"\n" + key + " = 1\n", "p").faults), "p at line 4" + reason);
  EXPECT_EQ(texts(parse_policy("x = {" + key + " = 1}", "p").faults), "p at line 1" + reason);
  // A string of many lines may end with quotes of its own.
  EXPECT_EQ(texts(parse_policy("x = {y = \"\"\"a\"\"\"\", " + key + " = 1}", "p").faults), "p at line 1" + reason);
  const std::string dots(500, '.');
  const auto rules =
      parsed("# " + dots + "\n[[rule]] # " + dots + "\nname = 'r'\npattern = '" + dots + "'\naction = 'drop'\n" +
             "[[rule]]\nname = 's'\naction = 'drop'\npattern = \"\\\"" + dots + "\"\n");
  EXPECT_EQ(rules.size(), 2u);
}

TEST(PolicyRule, AsManyAsThereMayBe) {
  std::string text;
  for (size_t i = 0; i < PolicyBounds::rules; ++i) text += fmt::format("[[rule]]\nname='r{}'\naction='drop'\n", i);
  EXPECT_EQ(parsed(text).size(), PolicyBounds::rules);
  text += "[[rule]]\nname='more'\naction='drop'\n";
  EXPECT_EQ(texts(parse_policy(text, "p").faults), "p at line 12289, column 1: rule[4096]: more than 4096 rules\n");
}

TEST(PolicyRule, Types) {
  EXPECT_EQ(parse_qtype("aaaa"), 28);
  EXPECT_EQ(parse_qtype("HTTPS"), 65);
  EXPECT_EQ(parse_qtype("type0"), 0);
  EXPECT_EQ(parse_qtype("TYPE65535"), 65535);
  for (const char* none : {"", "AA", "TYPE", "TYPE65536", "TYPE-1", "TYPE 1", "TYPE1x", "28"})
    EXPECT_EQ(parse_qtype(none), std::nullopt) << none;
  for (unsigned type = 0; type <= UINT16_MAX; ++type) {
    const auto mnemonic = type_mnemonic(static_cast<uint16_t>(type));
    EXPECT_TRUE(mnemonic.empty() || parse_qtype(mnemonic) == type) << mnemonic;
  }
}

struct ShadowCase {
  const char* name;
  std::string earlier; ///< lines of the first rule
  std::string rule;    ///< of the second
  bool shadowed;
};

void PrintTo(const ShadowCase& each, std::ostream* out) {
  *out << each.name;
}

class Shadows : public testing::TestWithParam<ShadowCase> {};

TEST_P(Shadows, AreTold) {
  const auto rules = parsed("[[rule]]\nname = 'earlier'\n" + GetParam().earlier + '\n' + rule_of(GetParam().rule));
  const auto shadowed = shadowed_rules(rules);
  ASSERT_EQ(shadowed.size(), GetParam().shadowed ? 1u : 0u);
  if (!GetParam().shadowed) return;
  EXPECT_EQ(shadowed[0].rule, 1u);
  EXPECT_EQ(shadowed[0].earlier, 0u);
}

const std::string drop = "action = 'drop'\n";

INSTANTIATE_TEST_SUITE_P(
    Policy, Shadows,
    testing::Values(
        ShadowCase{"all_by_all", drop, drop, true}, ShadowCase{"pattern_by_any", drop, drop + "pattern = 'a'", true},
        ShadowCase{"any_by_pattern", drop + "pattern = 'a'", drop, false},
        ShadowCase{"same_pattern", drop + "pattern = 'a'", drop + "pattern = 'a'\nqtypes = ['A']", true},
        ShadowCase{"other_pattern", drop + "pattern = 'a'", drop + "pattern = 'b'", false},
        ShadowCase{"all_by_miss", drop, drop + "on = 'all'", false},
        ShadowCase{"miss_by_all", drop + "on = 'all'", drop, true},
        ShadowCase{"fewer_types", drop + "qtypes = ['A', 'AAAA']", drop + "qtypes = ['A']", true},
        ShadowCase{"more_types", drop + "qtypes = ['A']", drop + "qtypes = ['A', 'AAAA']", false},
        ShadowCase{"any_type", drop + "qtypes = ['A']", drop, false},
        ShadowCase{"clients_in_both", drop + "clients = ['192.0.2.0/25', '192.0.2.128/25']",
                   drop + "clients = ['192.0.2.0/24']", true},
        ShadowCase{"clients_beyond", drop + "clients = ['192.0.2.0/25']", drop + "clients = ['192.0.2.0/24']", false},
        ShadowCase{"any_client", drop + "clients = ['192.0.2.0/25']", drop, false},
        ShadowCase{"countries", drop + "countries = ['fr', 'us']", drop + "countries = ['us']", true},
        ShadowCase{"any_country", drop + "countries = ['us']", drop, false},
        ShadowCase{"by_allow", "action = 'allow'", drop, true}, ShadowCase{"by_tag", "action = 'tag x'", drop, false},
        ShadowCase{"by_limit", "action = 'limit 1/s'", drop, false},
        ShadowCase{"limit_by_drop", drop, "action = 'limit 1/s'", true}),
    [](const auto& each) { return each.param.name; });

struct PatternCase {
  const char* name;
  const char* pattern;
  const char* reason; ///< part of it
};

class BadPattern : public testing::TestWithParam<PatternCase> {};

TEST_P(BadPattern, IsRefusedByRuleAndLine) {
  const auto rules =
      parsed("[[rule]]\nname = 'good'\npattern = 'a'\naction = 'drop'\n" +
             rule_of(std::string("on = 'all'\naction = 'drop'\npattern = '") + GetParam().pattern + "'"));
  const auto compiled = compile_patterns(rules, "p");
  ASSERT_FALSE(compiled);
  const std::string text = compiled.refusal().text();
  EXPECT_TRUE(text.starts_with("p at line 5: rule 'r': pattern: ")) << text;
  EXPECT_NE(text.find(GetParam().reason), text.npos) << text;
}

INSTANTIATE_TEST_SUITE_P(Policy, BadPattern,
                         testing::Values(PatternCase{"parenthesis", "(", "parenthes"},
                                         PatternCase{"back_reference", "(a)\\1", "unsupported"},
                                         PatternCase{"empty_or", "a|", "matches the empty string"},
                                         PatternCase{"star", ".*", "matches the empty string"},
                                         PatternCase{"only_empty", "^$", "matches the empty string"},
                                         PatternCase{"range", "[z-a]", "out of order"}),
                         [](const auto& each) { return each.param.name; });

} // namespace
} // namespace anytick::core
