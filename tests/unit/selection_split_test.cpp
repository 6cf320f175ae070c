#include "control/selection/split.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "dataplane/core/random.h"

namespace anytick::selection::test {
namespace {

using Sizes = std::array<size_t, parts>;

ZoneServers zone_of(const std::vector<std::pair<uint32_t, uint32_t>>& numbers_and_weights) {
  ZoneServers zone{.zone = "de", .members = {}};
  for (const auto& [number, weight] : numbers_and_weights)
    zone.members.push_back({.address = geo::Address::ipv4(number), .weight = weight});
  std::ranges::sort(zone.members, {}, &Member::address);
  return zone;
}

ZoneServers zone_of(size_t servers) {
  std::vector<std::pair<uint32_t, uint32_t>> all;
  for (size_t i = 0; i < servers; ++i) all.emplace_back(i, 1000);
  return zone_of(all);
}

Sizes sizes_of(const ZoneServers& zone) {
  Sizes sizes{};
  for (const Member& member : zone.members) ++sizes.at(member.part);
  return sizes;
}

std::array<uint64_t, parts> weights_of(const ZoneServers& zone) {
  std::array<uint64_t, parts> weights{};
  for (const Member& member : zone.members) weights.at(member.part) += member.weight;
  return weights;
}

const Member* find(const ZoneServers& zone, const geo::Address& address) {
  const auto found = std::ranges::find(zone.members, address, &Member::address);
  return found == zone.members.end() ? nullptr : &*found;
}

/// Those who were and are in, by the part that they were in.
Sizes kept(const ZoneServers& before, const ZoneServers& after) {
  Sizes sizes{};
  for (const Member& member : before.members)
    if (find(after, member.address) != nullptr) ++sizes.at(member.part);
  return sizes;
}

size_t moves(const ZoneServers& before, const ZoneServers& after) {
  return static_cast<size_t>(std::ranges::count_if(before.members, [&](const Member& member) {
    const Member* now = find(after, member.address);
    return now != nullptr && now->part != member.part;
  }));
}

/// The fewest moves with which sizes differ by one at most, by trying all ways to give what is left over.
size_t least_moves(const Sizes& kept, size_t servers) {
  size_t least = servers;
  for (unsigned larger = 0; larger < 1u << parts; ++larger) {
    if (static_cast<size_t>(std::popcount(larger)) != servers % parts) continue;
    size_t moved = 0;
    for (size_t part = 0; part < parts; ++part) {
      const size_t size = servers / parts + ((larger >> part) & 1);
      moved += kept[part] > size ? kept[part] - size : 0;
    }
    least = std::min(least, moved);
  }
  return least;
}

void expect_balanced(const ZoneServers& zone) {
  const Sizes sizes = sizes_of(zone);
  EXPECT_LE(std::ranges::max(sizes) - std::ranges::min(sizes), 1u);
}

TEST(Split, ByNumberOfServersWithSlack) {
  struct Step {
    size_t servers;
    bool split;
  };
  const Step steps[]{{1, false}, {7, false}, {8, true},  {7, true}, {8, true},   {6, true},
                     {5, false}, {6, false}, {7, false}, {8, true}, {100, true}, {6, true}};
  ZoneServers previous;
  for (const Step& step : steps) {
    ZoneServers zone = zone_of(step.servers);
    split(zone, &previous, {});
    EXPECT_EQ(zone.split, step.split) << step.servers;
    if (zone.split)
      expect_balanced(zone);
    else
      EXPECT_EQ(sizes_of(zone)[0], step.servers);
    previous = zone;
  }
}

TEST(Split, NoPartIsEmpty) {
  Policy policy;
  for (const uint32_t from : {0u, 1u, 3u, 4u, 5u}) {
    policy.split_servers = from;
    for (size_t servers = 1; servers < 12; ++servers) {
      ZoneServers before = zone_of(12), zone = zone_of(servers);
      split(before, nullptr, policy);
      split(zone, &before, policy);
      EXPECT_EQ(zone.split, servers >= parts) << from << " " << servers;
      EXPECT_TRUE(!zone.split || std::ranges::min(sizes_of(zone)) >= 1);
    }
  }
}

TEST(Split, Ipv6AsTheNtpPoolHasItIsNever) {
  Policy policy;
  policy.ipv6_everywhere = false;
  ZoneServers zone = zone_of(20);
  split(zone, nullptr, policy);
  EXPECT_TRUE(zone.split);
  zone.family = geo::Family::ipv6;
  split(zone, nullptr, policy);
  EXPECT_FALSE(zone.split);
  split(zone, nullptr, {});
  EXPECT_TRUE(zone.split);
}

TEST(Split, NewZonesAreEvenByWeight) {
  const uint64_t seed = std::random_device{}();
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  core::Random random(seed);
  for (unsigned round = 0; round < 50; ++round) {
    std::vector<std::pair<uint32_t, uint32_t>> all;
    uint32_t heaviest = 0;
    for (uint64_t i = 8 + random.next() % 500; i > 0; --i) {
      all.emplace_back(static_cast<uint32_t>(random.next()), static_cast<uint32_t>(1 + random.next() % 3'000'000));
      heaviest = std::max(heaviest, all.back().second);
    }
    ZoneServers zone = zone_of(all);
    split(zone, nullptr, {});
    expect_balanced(zone);
    const auto weights = weights_of(zone);
    // Of each four, heaviest first, one goes to each: two parts never differ by more than the heaviest.
    EXPECT_LE(std::ranges::max(weights) - std::ranges::min(weights), heaviest);
  }
}

TEST(Split, NewServersGoWhereTheFewestAreThenTheLeastWeight) {
  ZoneServers before = zone_of({{1, 10}, {2, 20}, {3, 30}, {4, 40}, {5, 10}, {6, 20}, {7, 30}});
  const uint8_t had[]{0, 1, 2, 3, 0, 1, 2};
  for (size_t i = 0; i < before.members.size(); ++i) before.members[i].part = had[i];
  before.split = true;
  ZoneServers eighth = zone_of({{1, 10}, {2, 20}, {3, 30}, {4, 40}, {5, 10}, {6, 20}, {7, 30}, {8, 5}});
  split(eighth, &before, {});
  EXPECT_EQ(find(eighth, geo::Address::ipv4(8))->part, 3) << "the fewest";
  EXPECT_EQ(moves(before, eighth), 0u);
  ZoneServers ninth = zone_of({{1, 10}, {2, 20}, {3, 30}, {4, 40}, {5, 10}, {6, 20}, {7, 30}, {8, 5}, {9, 5}});
  split(ninth, &eighth, {});
  EXPECT_EQ(find(ninth, geo::Address::ipv4(9))->part, 0) << "the least weight";
  EXPECT_EQ(moves(eighth, ninth), 0u);
}

TEST(Split, PartsOfTheSameServerDifferByZone) {
  std::array<size_t, parts> together{};
  ZoneServers one = zone_of(400), other = zone_of(400);
  other.zone = "europe";
  split(one, nullptr, {});
  split(other, nullptr, {});
  for (size_t i = 0; i < one.members.size(); ++i)
    if (one.members[i].part == other.members[i].part) ++together[one.members[i].part];
  for (const size_t both : together) EXPECT_LT(both, 50u); // 25 of 100 by chance
}

TEST(Split, AServerMovesOnlyWhereItMust) {
  const uint64_t base = std::random_device{}();
  for (uint64_t seed = base; seed < base + 40; ++seed) {
    std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
    SCOPED_TRACE(seed);
    core::Random random(seed);
    std::map<uint32_t, uint32_t> servers;
    const auto weight = [&] { return static_cast<uint32_t>(1 + random.next() % 3'000'000); };
    const auto add = [&] { servers[static_cast<uint32_t>(random.next())] = weight(); };
    for (uint64_t i = random.next() % 200; i > 0; --i) add();
    ZoneServers previous;
    for (unsigned step = 0; step < 60; ++step) {
      // Mostly a few; sometimes most of one part.
      const uint64_t one_in = step % 10 == 9 ? 2 : 20;
      for (const Member& member : previous.members)
        if ((step % 10 != 9 || member.part == step % parts) && random.next() % one_in == 0)
          servers.erase(member.address.to_ipv4());
      for (uint64_t i = random.next() % 6; i > 0; --i) add();
      if (!servers.empty()) servers.begin()->second = weight();
      ZoneServers zone = zone_of({servers.begin(), servers.end()});
      split(zone, &previous, {});
      if (zone.split) expect_balanced(zone);
      if (zone.split && previous.split) {
        ASSERT_EQ(moves(previous, zone), least_moves(kept(previous, zone), zone.members.size())) << "step " << step;
      }
      ZoneServers again = zone;
      split(again, &zone, {});
      ASSERT_EQ(again, zone);
      previous = std::move(zone);
    }
  }
}

TEST(Split, OneThatComesMovesNobodyAndOneThatGoesOneAtMost) {
  const uint64_t seed = std::random_device{}();
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  core::Random random(seed);
  ZoneServers zone = zone_of(100 + random.next() % 4);
  split(zone, nullptr, {});
  for (unsigned step = 0; step < 300; ++step) {
    ZoneServers next = zone;
    const bool comes = random.next() % 2 == 0 || next.members.size() < 20;
    if (comes) {
      next.members.push_back({.address = geo::Address::ipv4(static_cast<uint32_t>(1 << 20 | step)), .weight = 1000});
      std::ranges::sort(next.members, {}, &Member::address);
    } else {
      next.members.erase(next.members.begin() + static_cast<ptrdiff_t>(random.next() % next.members.size()));
    }
    split(next, &zone, {});
    EXPECT_LE(moves(zone, next), comes ? 0u : 1u);
    zone = std::move(next);
  }
}

} // namespace
} // namespace anytick::selection::test
