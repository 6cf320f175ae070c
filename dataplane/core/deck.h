#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "dataplane/core/dns.h"
#include "dataplane/core/join.h"
#include "dataplane/core/random.h"

/// Answers drawn ahead, since to draw four of hundreds touches a cache line for each. A worker keeps a deck of cards
/// for each of the answer sets that it is asked for, each card a draw() of that set. An answer takes one of the cards
/// at random, and every reuse-th answer of a deck has it drawn anew. Which card is taken and which one is drawn anew
/// does not depend on what they say: so each answer has exactly the probabilities of draw(), as often as it is asked.
/// What is lost is independence: two answers among the next cards * reuse of a deck may be the same card.
namespace anytick::core {

class Decks {
 public:
  static constexpr unsigned cards = 16;
  static constexpr unsigned reuse = 16;
  static constexpr unsigned records_max = 4;
  /// Sets that have a deck at a time; those that share a place take it from each other.
  static constexpr size_t places = 1024;

  /// In wire order; zero behind those that a set has.
  using Addresses = std::array<uint32_t, records_max>;
  /// min(max_records, count) of the set's addresses, where they lie.
  struct Card {
    const Addresses& addresses;
    unsigned count;

    std::span<const uint32_t> span() const { return std::span(addresses).first(count); }
  };

  Decks() : store_(std::make_unique<Store>()) {}

  /// Whether there are decks of such a set.
  static bool have(const ReadySet& set) {
    return set.kind == AnswerKind::draw && set.type == dns::A && set.max_records <= records_max;
  }
  /// Forgets all if the sets are not those of before. To be called before take(), by whoever has another join.
  void begin(const Join& join) {
    if (join.id() != join_) [[unlikely]]
      forget(join.id());
  }
  /// A card to take for an answer to come: on its way into the cache.
  unsigned choose(uint32_t set, Random& random) {
    if (choices_left_ == 0) {
      choices_ = random.next();
      choices_left_ = 16;
    }
    --choices_left_;
    const auto card = static_cast<unsigned>(choices_ % cards);
    choices_ /= cards;
    __builtin_prefetch(&store_->cards[place_of(set)][card]);
    return card;
  }
  /// A card of nobody's deck: a draw() of a set that have() is true of.
  static Card draw_one(const ReadySet& set, Random& random, Addresses& to);
  /// What an answer says, until the next call. `chosen`: by choose(). Precondition: have(set), and it has this index in
  /// the join.
  Card take(const ReadySet& set, uint32_t index, unsigned chosen, Random& random) {
    Head& head = store_->heads[place_of(index)];
    Addresses& card = store_->cards[place_of(index)][chosen];
    if (head.set != index) [[unlikely]]
      head = {index, 0, 0, static_cast<uint8_t>(std::min(set.max_records, set.draw.count))};
    const bool is_drawn = (head.drawn >> chosen & 1) != 0;
    if (!is_drawn || ++head.uses == reuse) [[unlikely]]
      renew(set, head, card, chosen, random);
    return {card, head.records};
  }

 private:
  struct Head {
    uint32_t set = UINT32_MAX;
    uint16_t drawn = 0; ///< bit i: card i is there
    uint8_t uses = 0;   ///< since a card was drawn
    uint8_t records = 0;
  };
  static_assert(cards <= 16);
  /// In cache lines of its own, as other threads have theirs beside it.
  struct alignas(64) Store {
    std::array<Head, places> heads;
    std::array<std::array<Addresses, Decks::cards>, places> cards;
  };

  static size_t place_of(uint32_t set) { return set % places; }
  void forget(uint64_t join);
  static void renew(const ReadySet& set, Head& head, Addresses& card, unsigned chosen, Random& random);

  uint64_t join_ = 0;
  uint64_t choices_ = 0;
  unsigned choices_left_ = 0;
  std::unique_ptr<Store> store_;
};

} // namespace anytick::core
