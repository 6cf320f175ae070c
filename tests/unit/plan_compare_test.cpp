#include "control/plan/compare.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "control/plan/plan_words.h"
#include "plan_world.h"

namespace anytick::plan::test {
namespace {

using selection::Selection;

std::string text_of(const ServerChange& c) {
  return fmt::format("{} {}->{}{}{} {} {}->{}", geo::to_text(c.address), verdict_word(c.before), verdict_word(c.after),
                     c.is_new ? " new" : "", c.is_gone ? " gone" : "", c.zone.empty() ? "-" : c.zone, c.weight_before,
                     c.weight_after);
}

std::string text_of(const ZoneChange& c) {
  return fmt::format("{} {} {}->{} -{} +{} ~{} {}->{}", c.zone, family_word(c.family), c.servers_before,
                     c.servers_after, c.removed, c.added, c.moved, c.capacity_before, c.capacity_after);
}

struct Case {
  const char* name;
  Selection before, after;
  std::vector<std::string> servers, zones;
};

class Compared : public testing::TestWithParam<Case> {};

TEST_P(Compared, ServersAndZones) {
  const Case& each = GetParam();
  std::vector<std::string> servers, zones;
  for (const ServerChange& change : server_changes(each.before, each.after)) servers.push_back(text_of(change));
  for (const ZoneChange& change : zone_changes(each.before, each.after)) zones.push_back(text_of(change));
  EXPECT_EQ(servers, each.servers);
  EXPECT_EQ(zones, each.zones);
}

const Selection one{judged("192.0.2.1 in 20"), {zone("@", "192.0.2.1 100"), zone("de", "192.0.2.1 100")}};

INSTANTIATE_TEST_SUITE_P(
    Compare, Compared,
    testing::Values(
        Case{"Same", one, one, {}, {}},
        Case{"First",
             {},
             one,
             {"192.0.2.1 unverified->in new @ 0->100"},
             {"@ ipv4 0->1 -0 +1 ~0 0->100", "de ipv4 0->1 -0 +1 ~0 0->100"}},
        Case{"Gone",
             one,
             {},
             {"192.0.2.1 in->unverified gone @ 100->0"},
             {"@ ipv4 1->0 -1 +0 ~0 100->0", "de ipv4 1->0 -1 +0 ~0 100->0"}},
        Case{"Demoted",
             one,
             {judged("192.0.2.1 low_score 9"), {}},
             {"192.0.2.1 in->low_score @ 100->0"},
             {"@ ipv4 1->0 -1 +0 ~0 100->0", "de ipv4 1->0 -1 +0 ~0 100->0"}},
        Case{"OutForAnotherReason",
             {judged("192.0.2.1 low_score 9"), {}},
             {judged("192.0.2.1 no_score\n192.0.2.2 unverified"), {}},
             {},
             {}},
        Case{"WeightWhereItChangesMost",
             one,
             {judged("192.0.2.1 in 20"), {zone("@", "192.0.2.1 90"), zone("de", "192.0.2.1 50")}},
             {"192.0.2.1 in->in de 100->50"},
             {"@ ipv4 1->1 -0 +0 ~0 100->90", "de ipv4 1->1 -0 +0 ~0 100->50"}},
        Case{"WeightInTheSmallestZoneOfThese",
             {judged("192.0.2.1 in\n192.0.2.2 in"),
              {zone("@", "192.0.2.1 100\n192.0.2.2 7"), zone("de", "192.0.2.1 100")}},
             {judged("192.0.2.1 in\n192.0.2.2 in"),
              {zone("@", "192.0.2.1 80\n192.0.2.2 7"), zone("de", "192.0.2.1 80")}},
             {"192.0.2.1 in->in de 100->80"},
             {"@ ipv4 2->2 -0 +0 ~0 107->87", "de ipv4 1->1 -0 +0 ~0 100->80"}},
        Case{"BorrowedIsTheZonesChangeAlone",
             one,
             {judged("192.0.2.1 in 20"),
              {zone("@", "192.0.2.1 100"), zone("de", "192.0.2.1 100"), zone("lu", "192.0.2.1 7 borrowed")}},
             {},
             {"lu ipv4 0->1 -0 +1 ~0 0->7"}},
        Case{"OwnThenBorrowed",
             one,
             {judged("192.0.2.1 in 20"), {zone("@", "192.0.2.1 100"), zone("de", "192.0.2.1 10 borrowed")}},
             {"192.0.2.1 in->in de 100->0"},
             {"de ipv4 1->1 -0 +0 ~0 100->10"}},
        Case{"MovedToAnotherPart",
             {judged("192.0.2.1 in\n192.0.2.2 in"), {zone("@", "192.0.2.1 5 0\n192.0.2.2 5 1")}},
             {judged("192.0.2.1 in\n192.0.2.2 in\n192.0.2.3 in"),
              {zone("@", "192.0.2.1 5 3\n192.0.2.2 5 1\n192.0.2.3 5 0")}},
             {"192.0.2.3 unverified->in new @ 0->5"},
             {"@ ipv4 2->3 -0 +1 ~1 10->15"}},
        Case{"SplitIsNoMove",
             {judged("192.0.2.1 in\n192.0.2.2 in"), {zone("@", "192.0.2.1 5\n192.0.2.2 5")}},
             {judged("192.0.2.1 in\n192.0.2.2 in"), {zone("@", "192.0.2.1 5 1\n192.0.2.2 5 2")}},
             {},
             {"@ ipv4 2->2 -0 +0 ~0 10->10"}},
        Case{"FamiliesApart",
             {judged("192.0.2.1 in"), {zone("@", "192.0.2.1 5")}},
             {judged("192.0.2.1 in\n2001:db8::1 in"), {zone("@", "192.0.2.1 5"), zone("@", "2001:db8::1 6")}},
             {"2001:db8::1 unverified->in new @ 0->6"},
             {"@ ipv6 0->1 -0 +1 ~0 0->6"}}),
    [](const auto& i) { return i.param.name; });

} // namespace
} // namespace anytick::plan::test
