#include "dataplane/core/deck.h"

#include <algorithm>

namespace anytick::core {

void Decks::forget(uint64_t join) {
  store_->heads.fill({});
  join_ = join;
}

Decks::Card Decks::draw_one(const ReadySet& set, Random& random, Addresses& to) {
  Drawn drawn;
  draw(set.draw, set.max_records, random, drawn);
  to = {};
  std::copy_n(drawn.values, drawn.count, to.begin());
  return {to, drawn.count};
}

void Decks::renew(const ReadySet& set, Head& head, Addresses& card, unsigned chosen, Random& random) {
  draw_one(set, random, card);
  head.drawn = static_cast<uint16_t>(head.drawn | 1u << chosen);
  head.uses = 0;
}

} // namespace anytick::core
