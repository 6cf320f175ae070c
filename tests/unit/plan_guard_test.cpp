#include "control/plan/guard.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "plan_world.h"

namespace anytick::plan::test {
namespace {

using selection::Judged;
using selection::Member;
using selection::Selection;
using selection::Verdict;
using selection::ZoneServers;

/// So many servers, of which the first ones have left by the reason, and so many others are borrowed for them.
struct Pool {
  uint32_t servers = 0;
  uint32_t out = 0;
  Verdict reason = Verdict::low_score;
  uint32_t borrowed = 0;
  uint32_t weight = 100;       ///< of each that stays
  uint32_t first_weight = 100; ///< of those that may leave
  uint32_t may_leave = 0;      ///< the first ones, that have it
};

Selection selection_of(const Pool& pool) {
  Selection selection;
  ZoneServers zone{.zone = "de", .members = {}};
  for (uint32_t i = 0; i < pool.servers; ++i) {
    const geo::Address server = geo::Address::ipv4(0xc6120000 + i);
    const bool is_in = i >= pool.out;
    selection.servers.push_back({.address = server, .verdict = is_in ? Verdict::in : pool.reason, .score = {}});
    if (is_in)
      zone.members.push_back({.address = server, .weight = i < pool.may_leave ? pool.first_weight : pool.weight});
  }
  for (uint32_t i = 0; i < pool.borrowed; ++i) {
    const geo::Address server = geo::Address::ipv4(0xc6130000 + i);
    zone.members.push_back({.address = server, .weight = pool.weight, .borrowed = true});
  }
  if (!zone.members.empty()) selection.zones.push_back(zone);
  return selection;
}

std::vector<std::string> rules_of(const std::vector<Objection>& objections) {
  std::vector<std::string> rules;
  for (const Objection& each : objections)
    rules.push_back(std::string(rule_name(each.rule)) + (each.zone.empty() ? "" : " " + each.zone));
  return rules;
}

struct Case {
  const char* name;
  Pool before, after;
  std::vector<std::string> rules;
  hub::GuardConfig guard{};
};

class Guarded : public testing::TestWithParam<Case> {};

TEST_P(Guarded, Objects) {
  const Case& each = GetParam();
  EXPECT_EQ(rules_of(objections_to(selection_of(each.before), selection_of(each.after), each.guard)), each.rules);
}

constexpr Verdict owner = Verdict::monitoring;

INSTANTIATE_TEST_SUITE_P(
    ZoneServers, Guarded,
    testing::Values(Case{"None", {.servers = 10}, {.servers = 10}, {}},
                    Case{"AsManyAsAllowed", {.servers = 10}, {.servers = 10, .out = 3, .reason = owner}, {}},
                    Case{"OneMore",
                         {.servers = 10},
                         {.servers = 10, .out = 4, .reason = owner},
                         {"zone_servers_removed de", "zone_capacity_removed de"}},
                    Case{"LargeAtTheBound", {.servers = 1000}, {.servers = 1000, .out = 300, .reason = owner}, {}},
                    Case{"LargeBeyondIt",
                         {.servers = 1000},
                         {.servers = 1000, .out = 301, .reason = owner},
                         {"zone_servers_removed de", "zone_capacity_removed de"}},
                    Case{"BorrowedMakeUpForNothing",
                         {.servers = 10},
                         {.servers = 10, .out = 4, .reason = owner, .borrowed = 6},
                         {"zone_servers_removed de", "zone_capacity_removed de"}},
                    Case{"BorrowedMayLeave", {.servers = 10, .borrowed = 10}, {.servers = 10}, {}},
                    Case{"BorrowedDoNotDilute",
                         {.servers = 10, .borrowed = 10},
                         {.servers = 10, .out = 4, .reason = owner, .borrowed = 10},
                         {"zone_servers_removed de", "zone_capacity_removed de"}},
                    Case{"OtherKey",
                         {.servers = 10},
                         {.servers = 10, .out = 4, .reason = owner},
                         {},
                         {.zone_servers_removed = 0.4, .zone_capacity_removed = 0.4}},
                    Case{"NothingAllowed",
                         {.servers = 10},
                         {.servers = 10, .out = 1, .reason = owner},
                         {"zone_servers_removed de", "zone_capacity_removed de"},
                         {.zone_servers_removed = 0, .zone_capacity_removed = 0}},
                    Case{"SmallZonesMayShrink", {.servers = 3}, {.servers = 3, .out = 2, .reason = owner}, {}},
                    Case{"FourMayNot",
                         {.servers = 4},
                         {.servers = 4, .out = 2, .reason = owner},
                         {"zone_servers_removed de", "zone_capacity_removed de"}},
                    Case{"OneOfFour", {.servers = 4}, {.servers = 4, .out = 1, .reason = owner}, {}}),
    [](const auto& i) { return i.param.name; });

INSTANTIATE_TEST_SUITE_P(
    ZoneCapacity, Guarded,
    testing::Values(
        // 3 * 300 of 3000 are 30 %
        Case{"AtTheBound",
             {.servers = 10, .first_weight = 100, .may_leave = 3},
             {.servers = 10, .out = 3, .reason = owner},
             {}},
        Case{"OneGiant",
             {.servers = 10, .first_weight = 400, .may_leave = 1},
             {.servers = 10, .out = 1, .reason = owner},
             {"zone_capacity_removed de"}},
        Case{"WeightOfThoseThatStay", {.servers = 10}, {.servers = 10, .weight = 69}, {"zone_capacity_removed de"}},
        Case{"WeightAtTheBound", {.servers = 10}, {.servers = 10, .weight = 70}, {}},
        Case{"MoreOfOthersMakesUpForNothing",
             {.servers = 10, .first_weight = 100, .may_leave = 5},
             {.servers = 10, .weight = 1000, .first_weight = 10, .may_leave = 5},
             {"zone_capacity_removed de"}},
        Case{"MoreWeight", {.servers = 10}, {.servers = 10, .weight = 1000}, {}}),
    [](const auto& i) { return i.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Emptied, Guarded,
    testing::Values(Case{"OfOne", {.servers = 1}, {.servers = 1, .out = 1, .reason = owner}, {"zone_emptied de"}},
                    Case{"OfMany", {.servers = 20}, {.servers = 20, .out = 20, .reason = owner}, {"zone_emptied de"}},
                    Case{"BorrowedAreNotItsOwn",
                         {.servers = 2},
                         {.servers = 2, .out = 2, .reason = owner, .borrowed = 4},
                         {"zone_emptied de"}},
                    Case{"BorrowedOnesToo", {.borrowed = 2}, {}, {"zone_emptied de"}},
                    Case{"WhateverIsAllowed",
                         {.servers = 1},
                         {.servers = 1, .out = 1, .reason = owner},
                         {"zone_emptied de"},
                         {.zone_servers_removed = 1, .zone_capacity_removed = 1, .servers_demoted = 1}},
                    Case{"NewIsNotEmptied", {}, {.servers = 1}, {}}),
    [](const auto& i) { return i.param.name; });

// 1,000 servers: the zone itself is looked at by other rules from 301 on.
INSTANTIATE_TEST_SUITE_P(
    Demoted, Guarded,
    testing::Values(
        Case{"AtTheBound", {.servers = 1000}, {.servers = 1000, .out = 100}, {}},
        Case{"OneMore", {.servers = 1000}, {.servers = 1000, .out = 101}, {"servers_demoted"}},
        Case{"NoScore",
             {.servers = 1000},
             {.servers = 1000, .out = 101, .reason = Verdict::no_score},
             {"servers_demoted"}},
        Case{"Recovering",
             {.servers = 1000},
             {.servers = 1000, .out = 101, .reason = Verdict::recovering},
             {"servers_demoted"}},
        Case{"OwnersMay", {.servers = 1000}, {.servers = 1000, .out = 300, .reason = owner}, {}},
        Case{"LeavingMay", {.servers = 1000}, {.servers = 1000, .out = 300, .reason = Verdict::leaving}, {}},
        Case{"RemovedMay", {.servers = 1000}, {.servers = 700}, {}},
        Case{"WereOutAlready", {.servers = 1000, .out = 150}, {.servers = 1000, .out = 235}, {}},
        Case{"OfThoseThatWereIn", {.servers = 1000, .out = 150}, {.servers = 1000, .out = 236}, {"servers_demoted"}},
        Case{"Outage",
             {.servers = 1000},
             {.servers = 1000, .out = 1000, .reason = Verdict::no_score},
             {"servers_demoted", "zone_emptied de"}},
        Case{"OtherKey",
             {.servers = 1000},
             {.servers = 1000, .out = 201},
             {"servers_demoted"},
             {.servers_demoted = 0.2}}),
    [](const auto& i) { return i.param.name; });

struct FirstCase {
  const char* name;
  Pool first;
  bool objects;
  hub::GuardConfig guard{};
};

class First : public testing::TestWithParam<FirstCase> {};

TEST_P(First, Objects) {
  const FirstCase& each = GetParam();
  const auto objections = objections_to_first(selection_of(each.first), each.guard);
  EXPECT_EQ(rules_of(objections), std::vector<std::string>(each.objects ? 1 : 0, "first_servers_out"));
}

INSTANTIATE_TEST_SUITE_P(
    Guard, First,
    testing::Values(FirstCase{"OfNothing", {}, false}, FirstCase{"AllIn", {.servers = 10}, false},
                    FirstCase{"NoFeedYet", {.servers = 10, .out = 10, .reason = Verdict::no_score}, true},
                    FirstCase{"OneServer", {.servers = 1, .out = 1, .reason = Verdict::no_score}, true},
                    FirstCase{"MonitorsAreWrong", {.servers = 10, .out = 10}, true},
                    FirstCase{"Recovering", {.servers = 10, .out = 10, .reason = Verdict::recovering}, true},
                    FirstCase{"AtTheBound", {.servers = 1000, .out = 300}, false},
                    FirstCase{"OneMore", {.servers = 1000, .out = 301}, true},
                    FirstCase{"OwnersMay", {.servers = 10, .out = 10, .reason = owner}, false},
                    FirstCase{"UnverifiedOnes", {.servers = 10, .out = 10, .reason = Verdict::unverified}, false},
                    FirstCase{"LeavingOnes", {.servers = 10, .out = 10, .reason = Verdict::leaving}, false},
                    FirstCase{"AllButOneMay", {.servers = 10, .out = 9}, false, {.first_servers_out = 1}},
                    FirstCase{"NeverAll", {.servers = 10, .out = 10}, true, {.first_servers_out = 1}}),
    [](const auto& i) { return i.param.name; });

TEST(Guard, SaysThatFeedsAreNotIn) {
  const auto text_of = [](const Pool& pool) {
    const auto objections = objections_to_first(selection_of(pool), {});
    return objections.empty() ? "" : objections[0].text;
  };
  EXPECT_EQ(text_of({.servers = 10, .out = 4, .reason = Verdict::no_score}),
            "nothing was pushed yet: 4 of 10 servers are out by their score (40.0 %), more than "
            "guard.first_servers_out = 0.3 allows. \"--force --reason TEXT\" overrides it. 4 of them have no recent "
            "score at all: rather their feeds are not in yet.");
  EXPECT_EQ(text_of({.servers = 10, .out = 10}),
            "nothing was pushed yet: 10 of 10 servers are out by their score (100.0 %), and the guard lets no first "
            "push be without any (first_servers_out). \"--force --reason TEXT\" overrides it.");
}

TEST(Guard, SaysNumbersAndKeys) {
  const auto objections = objections_to(selection_of({.servers = 10}),
                                        selection_of({.servers = 10, .out = 4, .reason = Verdict::no_score}), {});
  ASSERT_EQ(objections.size(), 3u);
  EXPECT_EQ(objections[0].text,
            "4 of 10 servers that were in are out by their score (40.0 %), more than guard.servers_demoted = 0.1 "
            "allows. \"--force --reason TEXT\" overrides it. 4 of them have no recent score at all: rather their "
            "monitors are down than they.");
  EXPECT_EQ(objections[1].text,
            "zone de, IPv4: 4 of 10 servers leave (40.0 %), more than guard.zone_servers_removed = 0.3 allows. "
            "\"--force --reason TEXT\" overrides it.");
  EXPECT_EQ(objections[2].text,
            "zone de, IPv4: 400 of 1000 kbit/s are lost (40.0 %), more than guard.zone_capacity_removed = 0.3 allows. "
            "\"--force --reason TEXT\" overrides it.");
}

TEST(Guard, LooksAtFamiliesApart) {
  Selection before, after;
  for (uint32_t i = 0; i < 8; ++i)
    before.servers.push_back({.address = geo::Address::ipv4(0xc6120000 + i), .score = {}});
  after.servers = before.servers;
  before.zones = {zone("de", "192.0.2.1 1\n192.0.2.2 1\n192.0.2.3 1\n192.0.2.4 1"), zone("de", "2001:db8::1 1")};
  after.zones = {before.zones[0]};
  const auto objections = objections_to(before, after, {});
  ASSERT_EQ(rules_of(objections), std::vector<std::string>{"zone_emptied de"});
  EXPECT_EQ(objections[0].text,
            "zone de, IPv6: had 1 server and would have none. The guard lets no zone be emptied that had 1 or more "
            "(guard.zone_emptied_least). \"--force --reason TEXT\" overrides it.");
}

TEST(Guard, MayLetThinZonesBeEmptied) {
  Selection before, after;
  for (uint32_t i = 0; i < 40; ++i)
    before.servers.push_back({.address = geo::Address::ipv4(0xc6120000 + i), .score = {}});
  after.servers = before.servers;
  before.zones = {zone("am", "192.0.2.1 1"), zone("de", "192.0.2.2 1\n192.0.2.3 1")};
  EXPECT_EQ(rules_of(objections_to(before, after, {})),
            (std::vector<std::string>{"zone_emptied am", "zone_emptied de"}));
  EXPECT_EQ(rules_of(objections_to(before, after, {.zone_emptied_least = 2})),
            std::vector<std::string>{"zone_emptied de"});
  EXPECT_TRUE(objections_to(before, after, {.zone_emptied_least = 3}).empty());
}

} // namespace
} // namespace anytick::plan::test
