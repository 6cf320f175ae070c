#include <set>

#include <gtest/gtest.h>

#include "control/selection/zones.h"
#include "core_policy.h"
#include "dataplane/core/policy_rule.h"

namespace anytick::selection::test {
namespace {

using registry::VendorState;

registry::VendorZone vendor(const std::string& name, std::optional<uint32_t> throttle,
                            VendorState state = VendorState::approved, const std::string& root = "pool.example") {
  registry::VendorZone zone{.name = name, .root = root, .state = state, .throttle = throttle, .note = {}};
  zone.account = 1;
  return zone;
}

registry::Snapshot with(std::vector<registry::VendorZone> vendors) {
  registry::Snapshot snapshot;
  snapshot.vendors = std::move(vendors);
  return snapshot;
}

/// What POPs make of it; it must be good.
std::vector<core::PolicyRule> rules_of(const std::string& text) {
  const core::ParsedPolicy parsed = core::parse_policy(text, "policy.toml");
  for (const Refusal& fault : parsed.faults) ADD_FAILURE() << fault.text() << "\n" << text;
  return parsed.rules;
}

constexpr const char* own = "[[rule]]\nname = \"odd\"\nqtypes = [\"ANY\"]\naction = \"truncate\"\n";

TEST(QueryPolicy, IsTheOwnTextWhereNothingIsThrottled) {
  for (const char* text : {"", own, "# nothing", "not = [ toml"})
    EXPECT_EQ(query_policy(with({vendor("acorn", {})}), text), text);
}

TEST(QueryPolicy, ThrottlesBehindTheOwnRules) {
  const std::string text = query_policy(with({vendor("acorn", 500), vendor("birch", {}), vendor("cedar-2", 20)}), own);
  EXPECT_TRUE(text.starts_with(own));
  const auto rules = rules_of(text);
  ASSERT_EQ(rules.size(), 3u);
  EXPECT_EQ(rules[0].name, "odd");
  EXPECT_EQ(rules[1].name, "vendor-acorn");
  EXPECT_EQ(core::action_text(rules[1]), "limit 500/s, beyond: refuse");
  EXPECT_TRUE(rules[1].on_all);
  EXPECT_EQ(rules[2].name, "vendor-cedar-2");
}

TEST(QueryPolicy, OfWhoIsPublished) {
  for (const VendorState state : {VendorState::draft, VendorState::pending, VendorState::rejected})
    EXPECT_EQ(query_policy(with({vendor("acorn", 5, state)}), ""), "");
  EXPECT_EQ(rules_of(query_policy(with({vendor("acorn", 5, VendorState::suspended)}), "")).size(), 1u);
}

TEST(QueryPolicy, RatesOutOfBounds) {
  const auto rules = rules_of(query_policy(with({vendor("acorn", 0), vendor("birch", 4'000'000'000)}), ""));
  ASSERT_EQ(rules.size(), 2u);
  EXPECT_EQ(core::action_text(rules[0]), "refuse");
  EXPECT_EQ(rules[1].per_second, 10'000'000u);
}

TEST(QueryPolicy, NamesAreDistinctAndShortEnough) {
  const std::string own_name = "[[rule]]\nname = \"vendor-acorn\"\naction = \"allow\"";
  const std::string long_name(63, 'a');
  const auto rules =
      rules_of(query_policy(with({vendor("acorn", 1), vendor("acorn", 1, VendorState::approved, "b.example"),
                                  vendor(long_name, 1), vendor(long_name + "b", 1)}),
                            own_name));
  std::set<std::string> names;
  for (const core::PolicyRule& rule : rules) names.insert(rule.name);
  EXPECT_EQ(names.size(), 5u);
  EXPECT_TRUE(names.contains("vendor-acorn.2"));
}

TEST(QueryPolicy, OwnRulesAsAnArray) {
  const std::string array = R"(rule = [ { name = "odd", qtypes = ["ANY"], pattern = 'a\.b', action = "truncate" } ])";
  const auto rules = rules_of(query_policy(with({vendor("acorn", 7), vendor("birch", 0)}), array));
  ASSERT_EQ(rules.size(), 3u);
  EXPECT_EQ(rules[0].name, "odd");
  EXPECT_EQ(rules[0].pattern, R"(a\.b)");
  EXPECT_EQ(rules[1].per_second, 7u);
  EXPECT_EQ(core::action_text(rules[2]), "refuse");
}

TEST(QueryPolicy, WhatIsWrongWithTheOwnTextKeepsItsLine) {
  const std::string text = query_policy(with({vendor("acorn", 7)}), "\n\nnonsense = 1\n");
  const core::ParsedPolicy parsed = core::parse_policy(text, "policy.toml");
  ASSERT_EQ(parsed.faults.size(), 1u);
  EXPECT_NE(parsed.faults[0].where.find("line 3"), std::string::npos);
}

TEST(QueryPolicy, MatchesTheVendorsNamesAlone) {
  const auto rules = rules_of(query_policy(with({vendor("acorn", 1)}), ""));
  const auto compiled = core::compile_patterns(rules, "policy.toml");
  ASSERT_TRUE(compiled) << compiled.refusal().text();
  const auto policy = core::Policy::build(rules, *compiled, 1, 1);
  ASSERT_TRUE(policy);
  const std::pair<const char*, bool> names[]{
      {"acorn.pool.example", true},      {"0.acorn.pool.example", true},    {"3.ACORN.Pool.example", true},
      {"4.acorn.pool.example", false},   {"00.acorn.pool.example", false},  {"x.acorn.pool.example", false},
      {"popacorn.pool.example", false},  {"acorn.poolxexample", false},     {"0.pool.example", false},
      {"acorn.pool.example.com", false}, {"1.2.acorn.pool.example", false},
  };
  for (const auto& [name, matches] : names)
    for (const bool miss : {false, true}) {
      const core::test::AskedQuery asked({.name = name, .miss = miss});
      EXPECT_EQ((*policy)->explain(asked.query(), 0).at(0) == core::Policy::Step::matched, matches) << name;
    }
}

} // namespace
} // namespace anytick::selection::test
