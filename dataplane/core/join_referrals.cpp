#include "dataplane/core/join_referrals.h"

#include <algorithm>

namespace anytick::core {

ReferralFinder::ReferralFinder(const ZoneImage& image, const NameTable& names)
    : image_(image), names_(names), evaluator_(image), everybody_{TargetIndex(image).find("@")} {}

const ImageNodeType* ReferralFinder::type_of(uint32_t node, uint16_t type) const {
  const ImageNode& from = image_.nodes()[node];
  const auto types = image_.node_types().subspan(from.first_type, from.type_count);
  const auto found = std::ranges::find(types, type, &ImageNodeType::type);
  return found == types.end() ? nullptr : &*found;
}

uint32_t ReferralFinder::rrset_for_everybody(uint32_t node, uint16_t type) {
  const ImageNodeType* listed = type_of(node, type);
  if (listed == nullptr) return AnswerRef::none_index;
  evaluator_.start(everybody_);
  const uint32_t found = evaluator_.evaluate(listed->selector);
  return found != AnswerRef::none_index && image_.rrsets()[found].type == type ? found : AnswerRef::none_index;
}

void ReferralFinder::add(const ImageZone& zone, uint32_t node, const std::vector<ReadySet>& sets,
                         const std::vector<RecordPlace>& places, std::vector<Referral>& referrals,
                         std::vector<Glue>& glue) {
  Referral referral{.node = node,
                    .servers = rrset_for_everybody(node, dns::NS),
                    .first_glue = static_cast<uint32_t>(glue.size()),
                    .glue_count = 0,
                    .bytes = 0,
                    .name_length = static_cast<uint8_t>(image_.nodes()[node].name.length)};
  const auto append = [&](uint32_t server, uint32_t set) {
    if (set == AnswerRef::none_index) return;
    for (uint32_t i = 0; i < image_.rrsets()[set].record_count; ++i) {
      glue.push_back({server, sets[set].first_record + i});
      referral.bytes += 2 + places[glue.back().place].length;
    }
  };
  const ImageRRset& servers = image_.rrsets()[referral.servers];
  for (uint32_t i = 0; i < servers.record_count; ++i) {
    referral.bytes += 2 + places[sets[referral.servers].first_record + i].length;
    FoldedName name;
    if (!read_name(image_.bytes_of(image_.records()[servers.first_record + i].rdata), name)) continue;
    const uint32_t host = names_.find(hash_name(name), name.suffix(0));
    if (host == NameTable::none || host - zone.first_node >= zone.node_count) continue;
    append(i, rrset_for_everybody(host, dns::A));
    append(i, rrset_for_everybody(host, dns::AAAA));
  }
  referral.glue_count = static_cast<uint32_t>(glue.size()) - referral.first_glue;
  referrals.push_back(referral);
}

} // namespace anytick::core
