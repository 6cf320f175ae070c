#include "control/selection/select.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "tests/unit/selection_world.h"

namespace anytick::selection::test {
namespace {

Selection selected(const World& world, const Policy& policy, const Selection& previous = {}) {
  return select(world.snapshot, world.scores, previous, policy, world.asn_of(), world.now);
}

uint64_t first_seed() {
  const uint64_t seed = std::random_device{}();
  std::printf("seeds from %llu\n", static_cast<unsigned long long>(seed));
  return seed;
}

template <class T> void shuffle(std::vector<T>& list, core::Random& random) {
  for (size_t i = list.size(); i > 1; --i) std::swap(list[i - 1], list[random.next() % i]);
}

WorldShape drawn_shape(core::Random& random) {
  return {
      .servers = 1 + random.next() % 600, .countries = 1 + random.next() % 260, .accounts = 1 + random.next() % 200};
}

Policy drawn_policy(core::Random& random) {
  const auto share = [&] { return static_cast<double>(random.next() % 101) / 100; };
  Policy policy;
  policy.split_servers = static_cast<uint32_t>(random.next() % 20);
  policy.ipv6_everywhere = random.next() % 2 == 0;
  policy.backfill_servers = static_cast<uint32_t>(random.next() % 12);
  policy.backfill_capacity = random.next() % 3'000'000;
  policy.backfill_donor_share = share();
  policy.account_share = policy.prefix_share = policy.asn_share = 1;
  // Which cap it is, is drawn: one by itself always holds.
  (std::array{&policy.account_share, &policy.prefix_share, &policy.asn_share})[random.next() % 3][0] = share();
  return policy;
}

/// What a selection must be, from the registry by the plainest means.
class Oracle {
 public:
  Oracle(const World& world, const Policy& policy) : world_(world), policy_(policy) {
    for (const registry::TreeZone& zone : world.snapshot.tree) parent_[zone.name] = zone.parent;
    for (const registry::Server& server : world.snapshot.servers) servers_[server.address] = &server;
  }

  void check(const Selection& selection, const Selection& previous) {
    check_order(selection);
    for (const registry::Server& server : world_.snapshot.servers) check_own_zones(selection, server);
    for (const ZoneServers& zone : selection.zones) {
      SCOPED_TRACE(zone.zone);
      check_members(selection, zone);
      check_split(zone, previous.find(zone.zone, zone.family));
      check_caps(zone);
    }
    check_loans(selection);
  }

 private:
  std::set<std::string> zones_of(const registry::Server& server) const {
    std::set<std::string> zones{"@"};
    for (std::string zone : server.zones)
      for (; parent_.contains(zone); zone = parent_.at(zone)) zones.insert(zone);
    return zones;
  }

  double full_weight(const registry::Server& server, const std::string& zone) const {
    const auto own = server.zone_netspeed.find(zone);
    return own == server.zone_netspeed.end() ? server.netspeed : own->second;
  }

  void check_order(const Selection& selection) {
    ASSERT_EQ(selection.servers.size(), world_.snapshot.servers.size());
    EXPECT_TRUE(std::ranges::is_sorted(selection.servers, {}, &Judged::address));
    EXPECT_TRUE(std::ranges::is_sorted(selection.zones, {},
                                       [](const ZoneServers& zone) { return std::pair(zone.zone, zone.family); }));
    for (const ZoneServers& zone : selection.zones) {
      ASSERT_FALSE(zone.members.empty());
      for (size_t i = 1; i < zone.members.size(); ++i) EXPECT_LT(zone.members[i - 1].address, zone.members[i].address);
    }
  }

  void check_own_zones(const Selection& selection, const registry::Server& server) {
    const Judged& judged = *selection.find(server.address);
    const std::set<std::string> own = zones_of(server);
    for (const auto& [zone, parent] : parent_) {
      const ZoneServers* servers = selection.find(zone, server.address.family);
      const Member* member = nullptr;
      if (servers != nullptr) {
        const auto found = std::ranges::find(servers->members, server.address, &Member::address);
        if (found != servers->members.end()) member = &*found;
      }
      if (judged.verdict != Verdict::in) {
        EXPECT_EQ(member, nullptr) << "not in, but in " << zone;
      } else if (own.contains(zone)) {
        EXPECT_EQ(member != nullptr, full_weight(server, zone) > 0) << geo::to_text(server.address) << zone;
        EXPECT_FALSE(member != nullptr && member->borrowed);
      } else if (member != nullptr) {
        EXPECT_TRUE(member->borrowed);
        EXPECT_TRUE(own.contains(parent)) << "of the parent";
      }
    }
  }

  void check_members(const Selection& selection, const ZoneServers& zone) {
    size_t own = 0;
    for (const Member& member : zone.members) {
      const registry::Server& server = *servers_.at(member.address);
      EXPECT_EQ(member.account, server.account);
      EXPECT_EQ(member.address.family, zone.family);
      EXPECT_GE(member.weight, 1u);
      EXPECT_LE(member.weight, 3'000'000u);
      own += !member.borrowed;
      const bool is_capped = policy_.account_share < 1 || policy_.prefix_share < 1 || policy_.asn_share < 1;
      const double whole = full_weight(server, zone.zone) * selection.find(member.address)->ramp;
      EXPECT_TRUE(is_capped || member.borrowed || member.weight == std::max(1L, std::lround(whole)));
    }
    EXPECT_GT(own, 0u) << "a zone with none of its own";
  }

  void check_split(const ZoneServers& zone, const ZoneServers* before) {
    if (zone.family == geo::Family::ipv6 && !policy_.ipv6_everywhere) {
      EXPECT_FALSE(zone.split);
    } else if (const size_t servers = zone.members.size(); servers >= std::max<size_t>(policy_.split_servers, 4)) {
      EXPECT_TRUE(zone.split);
    } else if (before == nullptr || !before->split || servers < 4 || servers + 2 < policy_.split_servers) {
      EXPECT_FALSE(zone.split);
    }
    std::array<size_t, parts> sizes{};
    for (const Member& member : zone.members) ++sizes.at(member.part);
    if (zone.split)
      EXPECT_LE(std::ranges::max(sizes) - std::ranges::min(sizes), 1u);
    else
      EXPECT_EQ(sizes[0], zone.members.size());
  }

  template <class Group> void check_cap(const ZoneServers& zone, double share, Group group_of) {
    std::map<decltype(group_of(zone.members[0])), double> groups;
    double all = 0;
    size_t alone = 0;
    bool lends = false;
    for (const Member& member : zone.members) {
      const auto group = group_of(member);
      all += member.weight;
      lends |= member.borrowed;
      if (group == decltype(group){})
        ++alone;
      else
        groups[group] += member.weight;
    }
    const double cap = std::max(share, 1.0 / static_cast<double>(groups.size() + alone));
    // Borrowed weights are not multiplied: a few of a handful are as fine as whole numbers go.
    const double fine = 1e-3 + (lends ? static_cast<double>(zone.members.size()) / all : 0);
    for (const auto& [group, weight] : groups) EXPECT_LE(weight / all, cap + fine);
  }

  void check_caps(const ZoneServers& zone) {
    check_cap(zone, policy_.account_share, [](const Member& member) { return member.account; });
    check_cap(zone, policy_.prefix_share, [](const Member& member) {
      return geo::prefix_of(member.address, member.address.family == geo::Family::ipv4 ? 24 : 48).address;
    });
    check_cap(zone, policy_.asn_share, [&](const Member& member) { return world_.asn_of()(member.address); });
  }

  void check_loans(const Selection& selection) {
    std::map<geo::Address, uint64_t> lent;
    for (const ZoneServers& zone : selection.zones)
      for (const Member& member : zone.members) {
        if (!member.borrowed) continue;
        lent[member.address] += member.weight;
        const double own = full_weight(*servers_.at(member.address), zone.zone) * selection.find(member.address)->ramp;
        EXPECT_LE(member.weight, std::max(1.0, std::round(own))) << "more than it has";
      }
    for (const auto& [address, weight] : lent)
      EXPECT_LE(static_cast<double>(weight), policy_.backfill_donor_share * servers_.at(address)->netspeed *
                                                 selection.find(address)->ramp * (1 + 1e-12))
          << geo::to_text(address);
  }

  const World& world_;
  const Policy& policy_;
  std::map<std::string, std::string> parent_;
  std::map<geo::Address, const registry::Server*> servers_;
};

bool is_in(const ZoneServers* zone, const geo::Address& address) {
  return zone != nullptr && std::ranges::count(zone->members, address, &Member::address) > 0;
}

struct Moves {
  size_t moved = 0;  ///< who is in another part
  size_t forced = 0; ///< as many as sizes of parts need
  size_t stayed = 0;
};

/// Over all zones that were and are split.
Moves moves_between(const Selection& before, const Selection& after) {
  Moves all;
  for (const ZoneServers& zone : after.zones) {
    const ZoneServers* was = before.find(zone.zone, zone.family);
    if (was == nullptr || !was->split || !zone.split) continue;
    std::map<geo::Address, uint8_t> parts_before;
    for (const Member& member : was->members) parts_before[member.address] = member.part;
    std::array<size_t, parts> kept{};
    for (const Member& member : zone.members)
      if (const auto part = parts_before.find(member.address); part != parts_before.end()) {
        ++kept.at(part->second);
        ++(part->second == member.part ? all.stayed : all.moved);
      }
    std::ranges::sort(kept, std::greater{});
    for (size_t i = 0; i < parts; ++i) {
      const size_t size = zone.members.size() / parts + (i < zone.members.size() % parts);
      all.forced += kept[i] > size ? kept[i] - size : 0;
    }
  }
  return all;
}

TEST(Select, AnyPoolIsAsItMustBe) {
  const uint64_t base = first_seed();
  for (uint64_t seed = base; seed < base + 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    core::Random random(seed);
    World world = make_world(drawn_shape(random), seed);
    const Policy policy = drawn_policy(random);
    Selection previous;
    for (unsigned hour = 0; hour < 4; ++hour) {
      const Selection selection = selected(world, policy, previous);
      Oracle(world, policy).check(selection, previous);
      ASSERT_FALSE(testing::Test::HasFailure());
      const Moves moves = moves_between(previous, selection);
      EXPECT_EQ(moves.moved, moves.forced);
      previous = selection;
      pass_hour(world, random);
    }
  }
}

TEST(Select, OrderOfTheRegistryDoesNotMatter) {
  const uint64_t base = first_seed();
  for (uint64_t seed = base; seed < base + 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    core::Random random(seed);
    World world = make_world(drawn_shape(random), seed);
    const Selection first = selected(world, {});
    pass_hour(world, random);
    const Selection second = selected(world, {}, first);
    shuffle(world.snapshot.servers, random);
    shuffle(world.snapshot.tree, random);
    for (registry::Server& server : world.snapshot.servers) shuffle(server.zones, random);
    const Selection other = selected(world, {}, first);
    EXPECT_EQ(difference(other, second), "");
    ASSERT_EQ(other.servers.size(), second.servers.size());
    for (size_t i = 0; i < other.servers.size(); ++i) {
      EXPECT_EQ(other.servers[i].address, second.servers[i].address);
      EXPECT_EQ(other.servers[i].verdict, second.servers[i].verdict);
      EXPECT_EQ(other.servers[i].ramp, second.servers[i].ramp);
    }
  }
}

TEST(Select, WhereNothingChangesNothingChanges) {
  const uint64_t base = first_seed();
  for (uint64_t seed = base; seed < base + 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    core::Random random(seed);
    World world = make_world(drawn_shape(random), seed);
    Policy policy = drawn_policy(random);
    policy.account_share = 0.5;
    policy.prefix_share = 0.34;
    Selection selection = selected(world, policy);
    pass_hour(world, random);
    selection = selected(world, policy, selection);
    EXPECT_EQ(difference(selected(world, policy, selection), selection), "");
  }
}

/// What one server changes by coming or going: zones that it is in, and loans.
void expect_only_what_must(const Selection& before, const Selection& after, const geo::Address& one) {
  for (const auto& [from, to] : {std::pair(&before, &after), std::pair(&after, &before)})
    for (const ZoneServers& zone : from->zones) {
      SCOPED_TRACE(zone.zone);
      const ZoneServers* other = to->find(zone.zone, zone.family);
      const bool may_differ = zone.family == one.family && (is_in(&zone, one) || is_in(other, one) ||
                                                            std::ranges::any_of(zone.members, &Member::borrowed));
      EXPECT_TRUE(may_differ || (other != nullptr && zone == *other));
      for (const Member& member : zone.members)
        EXPECT_TRUE(member.address == one || member.borrowed || is_in(other, member.address));
    }
  const Moves moves = moves_between(before, after);
  EXPECT_EQ(moves.moved, moves.forced);
}

TEST(Select, OneServerChangesOnlyItsZones) {
  const uint64_t base = first_seed();
  for (uint64_t seed = base; seed < base + 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    core::Random random(seed);
    World world = make_world({.servers = 400, .countries = 60}, seed);
    const Selection before = selected(world, {});
    const registry::Server one = world.snapshot.servers[random.next() % world.snapshot.servers.size()];
    std::erase_if(world.snapshot.servers, [&](const auto& each) { return each.address == one.address; });
    const Selection after = selected(world, {}, before);
    expect_only_what_must(before, after, one.address);
    world.snapshot.servers.push_back(one);
    expect_only_what_must(after, selected(world, {}, after), one.address);
  }
}

/// Without loans, members come and go with the one alone.
TEST(Select, OneServerMovesOneOfEachOfItsZonesAtMost) {
  const uint64_t base = first_seed();
  for (uint64_t seed = base; seed < base + 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    core::Random random(seed);
    World world = make_world({.servers = 400, .countries = 60}, seed);
    Policy policy;
    policy.backfill_servers = 0;
    policy.backfill_capacity = 0;
    const Selection before = selected(world, policy);
    const registry::Server one = world.snapshot.servers[random.next() % world.snapshot.servers.size()];
    std::erase_if(world.snapshot.servers, [&](const auto& each) { return each.address == one.address; });
    const Selection after = selected(world, policy, before);
    size_t its_zones = 0;
    for (const ZoneServers& zone : before.zones) its_zones += is_in(&zone, one.address);
    EXPECT_LE(moves_between(before, after).moved, its_zones);
    world.snapshot.servers.push_back(one);
    EXPECT_EQ(moves_between(after, selected(world, policy, after)).moved, 0u) << "nobody moves for one that comes";
  }
}

TEST(Select, AWeekMovesOnlyWhomItMust) {
  const uint64_t seed = first_seed();
  core::Random random(seed);
  World world = make_world({.servers = 800}, seed);
  Selection previous = selected(world, {});
  Moves week;
  for (unsigned hour = 0; hour < 7 * 24; ++hour) {
    pass_hour(world, random);
    const Selection selection = selected(world, {}, previous);
    const Moves moves = moves_between(previous, selection);
    ASSERT_EQ(moves.moved, moves.forced) << "hour " << hour;
    week.moved += moves.moved;
    week.stayed += moves.stayed;
    previous = selection;
  }
  std::printf("%zu moves of %zu that could have been\n", week.moved, week.moved + week.stayed);
  EXPECT_LT(week.moved * 20, week.stayed);
}

TEST(Select, NetspeedOfAZoneIsThatZonesAlone) {
  World world;
  world.snapshot.tree = tree_of({"de", "fr"});
  add_server(world, "192.0.2.1", 1'000'000, {"de", "fr"}, 1);
  world.snapshot.servers[0].zone_netspeed = {{"de", 512}, {"europe", 0}};
  const Selection selection = selected(world, {});
  const auto weight = [&](const char* zone) {
    const ZoneServers* found = selection.find(zone, geo::Family::ipv4);
    return found == nullptr ? 0 : found->members.at(0).weight;
  };
  EXPECT_EQ(weight("de"), 512u);
  EXPECT_EQ(weight("fr"), 1'000'000u);
  EXPECT_EQ(weight("europe"), 0u);
  EXPECT_EQ(weight("@"), 1'000'000u);
}

TEST(Select, OddTreesEnd) {
  World world;
  world.snapshot.tree = {{"@", "", ""}, {"a", "b", ""}, {"b", "a", ""}, {"c", "c", ""}, {"d", "nowhere", ""}};
  add_server(world, "192.0.2.1", 1000, {"a", "c", "d", "elsewhere"});
  const Selection selection = selected(world, {});
  std::string zones;
  for (const ZoneServers& zone : selection.zones) zones += zone.zone;
  EXPECT_EQ(zones, "@abcd");
  EXPECT_TRUE(selected({}, {}).zones.empty());
}

TEST(Select, SumsBeyond32Bits) {
  World world;
  world.snapshot.tree = tree_of({"de"});
  for (int i = 0; i < 1500; ++i)
    add_server(world, "10." + std::to_string(i / 250) + "." + std::to_string(i % 250) + ".1", 3'000'000, {"de"}, i + 1);
  const Selection selection = selected(world, {});
  for (const ZoneServers& zone : selection.zones)
    for (const Member& member : zone.members) EXPECT_EQ(member.weight, member.borrowed ? 0u : 3'000'000u);
}

} // namespace
} // namespace anytick::selection::test
