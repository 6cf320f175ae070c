#include "bench/load/expected.h"

#include <utility>

#include "dataplane/core/dns.h"

namespace anytick::bench {

Result<Locator> Locator::build(const core::ZoneImage& image, const geo::Map& map) {
  auto join = core::Join::build(image, &map);
  if (!join) return join.refusal();
  return Locator(image, map, std::move(*join));
}

Locator::Locator(const core::ZoneImage& image, const geo::Map& map, std::unique_ptr<const core::Join> join)
    : map_(&map), join_(std::move(join)) {
  for (const core::ImageRRset& rrset : image.rrsets()) {
    const bool addresses = rrset.type == core::dns::A || rrset.type == core::dns::AAAA;
    sets_.push_back(addresses ? std::make_unique<AddressSet>(addresses_of(image, rrset)) : nullptr);
  }
}

Expected Locator::expected(const Answerable& asked, const geo::Address& located, bool by_subnet) const {
  const core::ReadyNode& node = join_->node(asked.node);
  const core::AnswerRef answer = join_->answer_for(node, asked.type);
  uint32_t set = answer.index();
  uint8_t scope = 0;
  if (answer.is_row()) {
    const core::ReadyGroup& group = join_->group(join_->zone(node.zone), answer);
    const core::ClientClass client = core::Join::class_of(group, map_->find(located), located);
    set = join_->in_row(answer, client.number);
    if (by_subnet) scope = client.scope;
  }
  if (set == core::AnswerRef::none_index) return {nullptr, 0, 0, scope};
  const uint32_t records = join_->set(set).max_records;
  return {sets_[set].get(), records, records, scope};
}

} // namespace anytick::bench
