#include "control/selection/backfill.h"

#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "tests/unit/selection_world.h"

namespace anytick::selection::test {
namespace {

/// Caps of other tests' concern.
Policy policy_of(uint32_t servers, uint64_t capacity, double donor_share) {
  Policy policy;
  policy.backfill_servers = servers;
  policy.backfill_capacity = capacity;
  policy.backfill_donor_share = donor_share;
  policy.account_share = policy.prefix_share = policy.asn_share = 1;
  return policy;
}

Selection selected(const World& world, const Policy& policy, const Selection& previous = {}) {
  return select(world.snapshot, world.scores, previous, policy, {}, world.now);
}

std::map<geo::Address, uint32_t> borrowed(const Selection& selection, const std::string& zone) {
  std::map<geo::Address, uint32_t> all;
  if (const ZoneServers* servers = selection.find(zone, geo::Family::ipv4))
    for (const Member& member : servers->members)
      if (member.borrowed) all[member.address] = member.weight;
  return all;
}

/// Germany has forty servers, Luxembourg one.
World thin_world(uint32_t netspeed = 1'000'000) {
  World world;
  world.snapshot.tree = tree_of({"de", "lu", "mc", "us"});
  for (int i = 1; i <= 40; ++i) add_server(world, "192.0.2." + std::to_string(i), netspeed, {"de"});
  add_server(world, "198.51.100.1", 10'000, {"lu"});
  add_server(world, "203.0.113.1", 1'000'000, {"us"});
  return world;
}

TEST(Backfill, ByNumberAndCapacity) {
  struct Case {
    const char* description;
    uint32_t servers;
    uint64_t capacity;
    double donor_share;
    std::vector<uint32_t> loans;
  };
  const Case cases[]{
      {"none wanted", 0, 0, 0.1, {}},
      {"has enough", 1, 10'000, 0.1, {}},
      {"number and capacity, in even parts", 4, 100'000, 0.1, {30'000, 30'000, 30'000}},
      {"number alone: as much as a server should have", 3, 9'000, 0.1, {3'000, 3'000}},
      {"number of no capacity", 3, 0, 0.1, {1, 1}},
      {"capacity alone: one", 1, 50'000, 0.1, {40'000}},
      {"capacity alone: as many as it takes", 0, 260'000, 0.1, {100'000, 100'000, 100'000}},
      {"as much as is lent", 3, 100'000, 0.001, std::vector<uint32_t>(16, 1000)},
      {"nothing is lent", 4, 100'000, 0, {}},
      {"more than all cannot be lent", 2, 2'000'000, 7, {1'000'000, 1'000'000}},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.description);
    const Policy policy = policy_of(each.servers, each.capacity, each.donor_share);
    std::vector<uint32_t> loans;
    for (const auto& [address, weight] : borrowed(selected(thin_world(), policy), "lu")) loans.push_back(weight);
    std::ranges::sort(loans);
    EXPECT_EQ(loans, each.loans);
  }
}

TEST(Backfill, EmptyZonesStayAbsent) {
  const Selection selection = selected(thin_world(), policy_of(4, 100'000, 0.1));
  EXPECT_EQ(selection.find("mc", geo::Family::ipv4), nullptr);
  EXPECT_EQ(selection.find("lu", geo::Family::ipv6), nullptr);
  EXPECT_EQ(selection.find("africa", geo::Family::ipv4), nullptr);
}

TEST(Backfill, ContinentsBorrowOfTheWorldAndNobodyLendsWhatIsBorrowed) {
  const Selection selection = selected(thin_world(), policy_of(4, 100'000, 0.1));
  EXPECT_EQ(borrowed(selection, "north-america").size(), 3u);
  EXPECT_TRUE(borrowed(selection, "us").empty()) << "its continent has no other server of its own";
  EXPECT_TRUE(borrowed(selection, "@").empty());
}

TEST(Backfill, ServersThatKeepOutOfAZoneAreNotLentThere) {
  World world = thin_world();
  for (registry::Server& server : world.snapshot.servers)
    if (server.zones[0] == "de") server.zone_netspeed["lu"] = 0;
  EXPECT_TRUE(borrowed(selected(world, policy_of(4, 100'000, 0.1)), "lu").empty());
  // And who is of the zone, but not given there, is not lent back.
  for (registry::Server& server : world.snapshot.servers)
    if (server.zones[0] == "de") server.zones.push_back("lu");
  EXPECT_TRUE(borrowed(selected(world, policy_of(4, 100'000, 0.1)), "lu").empty());
  for (registry::Server& server : world.snapshot.servers)
    if (server.zones[0] == "de") {
      server.zones = {"de"};
      server.zone_netspeed["lu"] = 512;
    }
  for (const auto& [address, weight] : borrowed(selected(world, policy_of(4, 100'000, 0.1)), "lu"))
    EXPECT_EQ(weight, 512u);
}

TEST(Backfill, DonorsStayWhoTheyAre) {
  const Policy policy = policy_of(6, 100'000, 0.1);
  World world = thin_world();
  Selection selection = selected(world, policy);
  std::set<geo::Address> ever;
  for (int i = 2; i <= 4; ++i) {
    const auto before = borrowed(selection, "lu");
    add_server(world, "192.0.2." + std::to_string(100 + i), 3'000'000, {"de"});
    add_server(world, "198.51.100." + std::to_string(i), 10'000, {"lu"});
    selection = selected(world, policy, selection);
    const auto after = borrowed(selection, "lu");
    EXPECT_EQ(after.size(), before.size() - 1) << "one of its own more, one less is needed";
    for (const auto& [address, weight] : after) EXPECT_TRUE(before.contains(address)) << geo::to_text(address);
    for (const auto& [address, weight] : before) ever.insert(address);
  }
  EXPECT_EQ(ever.size(), 5u);
}

TEST(Backfill, ADonorThatLeavesIsReplacedAlone) {
  const Policy policy = policy_of(6, 100'000, 0.1);
  World world = thin_world();
  const Selection first = selected(world, policy);
  const auto before = borrowed(first, "lu");
  world.scores[before.begin()->first] = 0;
  const auto after = borrowed(selected(world, policy, first), "lu");
  EXPECT_EQ(after.size(), before.size());
  EXPECT_FALSE(after.contains(before.begin()->first));
  EXPECT_EQ(std::ranges::count_if(after, [&](const auto& each) { return before.contains(each.first); }), 4);
}

TEST(Backfill, HeavyServersLendMore) {
  World world;
  world.snapshot.tree = tree_of({"de", "at", "be", "ch", "cz", "dk", "ee", "es", "fi", "fr", "gr", "hu"});
  for (int i = 1; i <= 100; ++i) {
    add_server(world, "192.0.2." + std::to_string(i), 10'000, {"de"});
    add_server(world, "192.0.3." + std::to_string(i), 1'000'000, {"de"});
  }
  int last = 0;
  for (const registry::TreeZone& zone : world.snapshot.tree)
    if (zone.name.size() == 2 && zone.name != "de")
      add_server(world, "198.51.100." + std::to_string(++last), 10'000, {zone.name});
  const Selection selection = selected(world, policy_of(4, 0, 0.1));
  size_t heavy = 0, light = 0;
  for (const registry::TreeZone& zone : world.snapshot.tree)
    for (const auto& [address, weight] : borrowed(selection, zone.name)) ++(address.bytes[2] == 3 ? heavy : light);
  EXPECT_EQ(heavy + light, 33u);
  EXPECT_GT(heavy, 28u);
}

TEST(Backfill, WhatThereIsIsSharedAlike) {
  // Ten thin zones, and ten servers that lend 1000 each.
  World world;
  world.snapshot.tree = tree_of({"de", "at", "be", "ch", "cz", "dk", "ee", "es", "fi", "fr", "gr"});
  for (int i = 1; i <= 10; ++i) add_server(world, "192.0.2." + std::to_string(i), 10'000, {"de"});
  int last = 0;
  for (const registry::TreeZone& zone : world.snapshot.tree)
    if (zone.name.size() == 2 && zone.name != "de")
      add_server(world, "198.51.100." + std::to_string(++last), 512, {zone.name});
  const Selection selection = selected(world, policy_of(2, 100'000, 0.1));
  for (const registry::TreeZone& zone : world.snapshot.tree)
    EXPECT_TRUE(zone.name.size() != 2 || zone.name == "de" || !borrowed(selection, zone.name).empty()) << zone.name;
}

} // namespace
} // namespace anytick::selection::test
