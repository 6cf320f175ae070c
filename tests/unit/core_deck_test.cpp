#include "dataplane/core/deck.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "dataplane/core/dns.h"
#include "tests/packets/world.h"

namespace anytick::core {
namespace {

/// Records of some weights, of which the i-th is the address `first` + i.
struct Set {
  Set(const std::vector<uint32_t>& weights, uint32_t first, uint32_t max_records)
      : slots(weights.size()), before(weights.size() + 1) {
    std::vector<uint32_t> values;
    for (uint32_t i = 0; i < weights.size(); ++i) values.push_back(first + i);
    build_draw(weights, values, slots, before);
    ready.type = dns::A;
    ready.kind = AnswerKind::draw;
    ready.max_records = max_records;
    ready.draw = {slots.data(), before.data(), static_cast<uint32_t>(weights.size())};
  }

  std::vector<DrawSlot> slots;
  std::vector<uint64_t> before;
  ReadySet ready{};
};

std::vector<uint32_t> taken(Decks& decks, const Set& set, uint32_t index, Random& random) {
  const Decks::Card card = decks.take(set.ready, index, decks.choose(index, random), random);
  return {card.addresses.begin(), card.addresses.begin() + card.count};
}

TEST(Deck, TellsDistinctRecordsOfTheSet) {
  const Set set({5, 5, 5, 5, 5, 5, 5, 5, 5, 5}, 100, 4);
  Decks decks;
  Random random(1);
  for (int i = 0; i < 10'000; ++i) {
    const auto addresses = taken(decks, set, 3, random);
    EXPECT_EQ(std::set(addresses.begin(), addresses.end()).size(), 4u);
    for (const uint32_t address : addresses) EXPECT_TRUE(address >= 100 && address < 110) << address;
  }
}

TEST(Deck, FewRecordsAreAllTold) {
  const Set set({7, 1}, 100, 4);
  Decks decks;
  Random random(1);
  for (int i = 0; i < 1000; ++i) {
    const auto addresses = taken(decks, set, 3, random);
    EXPECT_EQ(std::set(addresses.begin(), addresses.end()), (std::set<uint32_t>{100, 101}));
  }
  const Decks::Card card = decks.take(set.ready, 3, 0, random);
  EXPECT_EQ(card.addresses[2] | card.addresses[3], 0u);
}

// The first of an answer is drawn by weight, whatever is reused: as often as is told by weight, to six standard
// deviations of as many independent draws as there were cards.
TEST(Deck, TellsRecordsByWeight) {
  const std::vector<uint32_t> weights{512, 3000, 12'000, 100'000, 250'000, 1'000'000, 1'500'000, 3'000'000, 25'000, 1};
  const Set set(weights, 100, 3);
  Decks decks;
  constexpr uint64_t seed = 4711;
  Random random(seed);
  constexpr int answers = 4'000'000;
  std::map<uint32_t, int> first;
  for (int i = 0; i < answers; ++i) ++first[taken(decks, set, 9, random)[0]];
  const double total = static_cast<double>(set.before.back());
  for (uint32_t i = 0; i < weights.size(); ++i) {
    const double share = weights[i] / total;
    const double deviation = std::sqrt(share * (1 - share) / (answers / Decks::reuse));
    // Each card is told reuse times on average, by chance: twice the variance of as many draws at most.
    EXPECT_NEAR(static_cast<double>(first[100 + i]) / answers, share, 6 * std::sqrt(2) * deviation + 1e-6) << i;
  }
}

// One draw for so many answers, not less: the draws are seen, as every one of a thousand records is another first.
TEST(Deck, DrawsAnewEverySoManyAnswers) {
  const Set set(std::vector<uint32_t>(60'000, 1), 0, 4);
  Decks decks;
  Random random(2);
  std::set<std::vector<uint32_t>> cards;
  constexpr unsigned answers = 16'000;
  for (unsigned i = 0; i < answers; ++i) cards.insert(taken(decks, set, 9, random));
  EXPECT_GE(cards.size(), answers / Decks::reuse);
  EXPECT_LE(cards.size(), answers / Decks::reuse + Decks::cards);
}

TEST(Deck, SetsThatShareAPlaceKeepTheirOwn) {
  const Set left({1, 1, 1, 1, 1, 1}, 100, 4), right({1, 1, 1, 1, 1, 1}, 200, 2);
  Decks decks;
  Random random(3);
  for (int i = 0; i < 5000; ++i) {
    const bool is_left = random.next() % 2 == 0;
    const auto addresses = is_left ? taken(decks, left, 5, random) : taken(decks, right, 5 + Decks::places, random);
    EXPECT_EQ(addresses.size(), is_left ? 4u : 2u);
    for (const uint32_t address : addresses) EXPECT_EQ(address / 100, is_left ? 1u : 2u);
  }
}

TEST(Deck, AnotherJoinHasOtherSets) {
  const test::World other({{"test.example", test::zone_json_of_cases()}}, test::overrides_of_cases());
  const Join &first = test::World::of_cases().join(), &second = other.join();
  EXPECT_NE(first.id(), second.id());
  const Set before({1, 1, 1, 1, 1, 1}, 100, 4), after({1, 1, 1, 1, 1, 1}, 200, 4);
  Decks decks;
  Random random(4);
  const auto tells = [&](const Join& join, const Set& set, uint32_t hundred) {
    decks.begin(join);
    for (int i = 0; i < 200; ++i)
      for (const uint32_t address : taken(decks, set, 9, random)) EXPECT_EQ(address / 100, hundred);
  };
  tells(first, before, 1);
  tells(second, after, 2);
  tells(second, after, 2);
}

} // namespace
} // namespace anytick::core
