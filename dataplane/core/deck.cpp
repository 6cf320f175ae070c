#include "dataplane/core/deck.h"

#include <algorithm>

namespace anytick::core {

void Decks::forget(uint64_t join) {
  store_->heads.fill({});
  join_ = join;
}

void Decks::draw_card(const ReadySet& set, Head& head, Addresses& card, unsigned chosen, Random& random) {
  Drawn drawn;
  draw(set.draw, head.records, random, drawn);
  card = {};
  std::copy_n(drawn.values, drawn.count, card.begin());
  head.drawn = static_cast<uint16_t>(head.drawn | 1u << chosen);
  head.uses = 0;
}

} // namespace anytick::core
