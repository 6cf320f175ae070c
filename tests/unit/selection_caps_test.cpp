#include "control/selection/caps.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "dataplane/core/random.h"

namespace anytick::selection::test {
namespace {

/// A zone's servers by weight and groups.
struct CappedZone {
  std::vector<Candidate> candidates;
  std::vector<Seat> seats;

  void add(uint32_t weight, std::array<uint32_t, cap_kinds> groups, bool borrowed = false) {
    seats.push_back({static_cast<uint32_t>(candidates.size()), weight, borrowed});
    candidates.emplace_back().groups = groups;
  }

  uint64_t sum() const {
    uint64_t all = 0;
    for (const Seat& seat : seats) all += seat.weight;
    return all;
  }

  /// Of all weight, the part of each group of a kind.
  std::map<uint32_t, double> shares(size_t kind) const {
    std::map<uint32_t, double> shares;
    for (const Seat& seat : seats)
      if (const uint32_t group = candidates[seat.candidate].groups[kind]; group != no_group)
        shares[group] += static_cast<double>(seat.weight) / static_cast<double>(sum());
    return shares;
  }

  double most(size_t kind) const {
    double most = 0;
    for (const auto& [group, share] : shares(kind)) most = std::max(most, share);
    return most;
  }

  std::vector<uint32_t> weights() const {
    std::vector<uint32_t> all;
    for (const Seat& seat : seats) all.push_back(seat.weight);
    return all;
  }
};

Policy policy_of(double account, double prefix, double asn) {
  Policy policy;
  policy.account_share = account;
  policy.prefix_share = prefix;
  policy.asn_share = asn;
  return policy;
}

struct AccountCase {
  const char* description;
  double share;
  std::vector<std::pair<uint32_t, uint32_t>> servers; ///< account, weight
  std::vector<uint32_t> expected;
};

TEST(Caps, OfOneKind) {
  const AccountCase cases[]{
      {"one has all", 0.5, {{0, 1000}, {0, 3000}}, {1000, 3000}},
      {"nobody has too much", 0.5, {{0, 1000}, {1, 1000}}, {1000, 1000}},
      {"too few to hold it have the same", 0.3, {{0, 1000}, {1, 5000}}, {1000, 1000}},
      {"one too large", 0.5, {{0, 1'000'000}, {1, 10'000}, {2, 20'000}}, {30'000, 10'000, 20'000}},
      {"shared by its members as they were", 0.5, {{0, 300'000}, {0, 100'000}, {1, 40'000}}, {30'000, 10'000, 40'000}},
      {"two too large",
       0.25,
       {{0, 900'000}, {1, 500'000}, {2, 10'000}, {3, 20'000}, {4, 10'000}, {5, 40'000}},
       {40'000, 40'000, 10'000, 20'000, 10'000, 40'000}},
      {"to the brim", 0.25, {{0, 5000}, {1, 5000}, {2, 5000}, {3, 5000}}, {5000, 5000, 5000, 5000}},
      {"no cap", 1, {{0, 3'000'000}, {1, 1}}, {3'000'000, 1}},
      {"none at all would be one too few", 0, {{0, 70'000}, {1, 20'000}, {2, 10'000}}, {10'000, 10'000, 10'000}},
  };
  for (const AccountCase& each : cases) {
    SCOPED_TRACE(each.description);
    CappedZone zone;
    uint32_t number = 0;
    for (const auto& [account, weight] : each.servers) zone.add(weight, {account, number++, no_group});
    const CapShares held = hold_caps(zone.seats, zone.candidates, policy_of(each.share, 1, 1));
    EXPECT_EQ(zone.weights(), each.expected);
    EXPECT_EQ(held, cap_shares(zone.seats, zone.candidates, policy_of(each.share, 1, 1)));
  }
}

TEST(Caps, WithoutAGroupNobodyIsCapped) {
  CappedZone zone;
  zone.add(900'000, {0, 0, no_group});
  zone.add(50'000, {0, 1, 7});
  zone.add(50'000, {0, 2, 8});
  const CapShares held = hold_caps(zone.seats, zone.candidates, policy_of(1, 1, 0.1));
  EXPECT_EQ(zone.weights(), (std::vector<uint32_t>{900'000, 50'000, 50'000}));
  EXPECT_DOUBLE_EQ(held[2], 1.0 / 3) << "it counts as one";
}

TEST(Caps, SmallWeightsAreMultipliedSoThatTheyCanBeDivided) {
  CappedZone zone;
  zone.add(512, {0, 0, no_group});
  for (uint32_t i = 1; i <= 1000; ++i) zone.add(512, {1, i, no_group});
  hold_caps(zone.seats, zone.candidates, policy_of(0.5, 1, 1));
  EXPECT_NEAR(zone.most(0), 0.5, 1e-3);
  EXPECT_EQ(zone.seats[1].weight, zone.seats[1000].weight);
}

TEST(Caps, BorrowedWeightIsNeverMoreThanItWas) {
  CappedZone zone;
  zone.add(512, {0, 0, no_group});
  for (uint32_t i = 1; i <= 15; ++i) zone.add(100, {1, i, no_group}, true);
  hold_caps(zone.seats, zone.candidates, policy_of(0.5, 1, 1));
  for (const Seat& seat : zone.seats) EXPECT_LE(seat.weight, seat.borrowed ? 100u : 3'000'000u);
  EXPECT_NEAR(zone.most(0), 0.5, 1e-2);
}

/// Accounts that leave B nothing, and ASes that leave nobody anything.
TEST(Caps, ThoseThatCannotHoldTogetherAreLoosened) {
  CappedZone zone;
  zone.add(10'000, {0, 0, 0});
  zone.add(10'000, {0, 1, 1});
  zone.add(10'000, {1, 1, 0});
  const Policy policy = policy_of(0.5, 0.5, 0.5);
  const CapShares held = hold_caps(zone.seats, zone.candidates, policy);
  // The best for three pairs of three servers, each two in one group.
  for (size_t kind = 0; kind < cap_kinds; ++kind) {
    EXPECT_NEAR(held[kind], 2.0 / 3, 2e-3);
    EXPECT_LE(zone.most(kind), held[kind] + 1e-3);
  }
}

CappedZone drawn_zone(core::Random& random) {
  CappedZone zone;
  const size_t count = 1 + random.next() % (random.next() % 4 == 0 ? 600 : 12);
  const auto drawn = [&](size_t groups) { return static_cast<uint32_t>(random.next() % groups); };
  const size_t accounts = 1 + random.next() % count, prefixes = 1 + random.next() % count,
               systems = 1 + random.next() % count;
  const bool light = random.next() % 4 == 0;
  for (size_t i = 0; i < count; ++i) {
    const uint32_t weight = light ? 1 + drawn(600) : registry::netspeeds[1 + drawn(registry::netspeeds.size() - 1)];
    zone.add(weight, {drawn(accounts), drawn(prefixes), random.next() % 10 == 0 ? no_group : drawn(systems)});
  }
  return zone;
}

TEST(Caps, HoldInAnyZone) {
  const uint64_t base = std::random_device{}();
  unsigned loosened = 0, zones = 0;
  for (uint64_t seed = base; seed < base + 40; ++seed) {
    std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
    core::Random random(seed);
    for (unsigned round = 0; round < 25; ++round) {
      SCOPED_TRACE(std::to_string(seed) + " " + std::to_string(round));
      CappedZone zone = drawn_zone(random);
      const auto share = [&] { return static_cast<double>(5 + random.next() % 96) / 100; };
      const Policy policy = policy_of(share(), share(), share());
      const CapShares wanted = cap_shares(zone.seats, zone.candidates, policy);
      const CapShares held = hold_caps(zone.seats, zone.candidates, policy);
      for (size_t kind = 0; kind < cap_kinds; ++kind) {
        EXPECT_GE(held[kind], wanted[kind]);
        EXPECT_LE(zone.most(kind), held[kind] + 1e-3);
      }
      for (const Seat& seat : zone.seats) EXPECT_TRUE(seat.weight >= 1 && seat.weight <= 3'000'000) << seat.weight;
      loosened += held != wanted;
      ++zones;
    }
  }
  std::printf("%u of %u zones had caps that cannot hold together\n", loosened, zones);
}

/// Whose caps weights exist for that hold them, because they were made from such.
TEST(Caps, HoldWholeWhereTheyCan) {
  const uint64_t base = std::random_device{}();
  unsigned capped = 0;
  for (uint64_t seed = base; seed < base + 40; ++seed) {
    std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
    core::Random random(seed);
    for (unsigned round = 0; round < 25; ++round) {
      SCOPED_TRACE(std::to_string(seed) + " " + std::to_string(round));
      CappedZone zone = drawn_zone(random);
      constexpr double margin = 1.02;
      const Policy policy = policy_of(std::min(1.0, margin * zone.most(0)), std::min(1.0, margin * zone.most(1)),
                                      std::min(1.0, margin * zone.most(2)));
      for (Seat& seat : zone.seats) seat.weight = static_cast<uint32_t>(1 + random.next() % 3'000'000);
      const std::vector<uint32_t> before = zone.weights();
      const CapShares wanted = cap_shares(zone.seats, zone.candidates, policy);
      EXPECT_EQ(hold_caps(zone.seats, zone.candidates, policy), wanted);
      for (size_t kind = 0; kind < cap_kinds; ++kind) EXPECT_LE(zone.most(kind), wanted[kind] + 1e-3);
      capped += zone.weights() != before;
    }
  }
  EXPECT_GT(capped, 300u);
}

} // namespace
} // namespace anytick::selection::test
