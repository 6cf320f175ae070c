#include "bench/load/answer_sets.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <map>

#include "dataplane/core/dns.h"
#include "dataplane/core/names.h"

namespace anytick::bench {
namespace {

struct Union {
  std::vector<uint32_t> addresses;
  uint32_t most = 0;
};

/// Aliases go to selectors with smaller indexes, so this ends.
void collect(const core::ZoneImage& image, uint32_t index, Union& found) {
  const core::ImageSelector& selector = image.selectors()[index];
  for (const core::ImageEntry& entry : image.entries().subspan(selector.first_entry, selector.entry_count)) {
    if (entry.is_alias != 0) {
      collect(image, entry.index, found);
      continue;
    }
    const core::ImageRRset& rrset = image.rrsets()[entry.index];
    found.most = std::max(found.most, rrset.max_records);
    for (const core::ImageRecord& record : image.records().subspan(rrset.first_record, rrset.record_count)) {
      uint32_t address;
      std::memcpy(&address, image.bytes_of(record.rdata).data(), sizeof(address));
      found.addresses.push_back(address);
    }
  }
}

std::string text_of(std::span<const uint8_t> wire) {
  std::array<char, core::name_text_max> text;
  return {text.data(), core::write_name_text(wire, text.data())};
}

/// The selector that answers A there, if any: not where a CNAME or a delegation does.
const core::ImageNodeType* type_a(const core::ZoneImage& image, const core::ImageNode& node, bool is_apex) {
  const core::ImageNodeType* found = nullptr;
  for (const core::ImageNodeType& type : image.node_types().subspan(node.first_type, node.type_count)) {
    if (type.type == 0 || (type.type == core::dns::NS && !is_apex)) return nullptr;
    if (type.type == core::dns::A) found = &type;
  }
  return found;
}

} // namespace

AddressSet::AddressSet(std::vector<uint32_t> addresses)
    : mask_(std::bit_ceil(2 * addresses.size() + 2) - 1), places_(mask_ + 1) {
  for (const uint32_t address : addresses) {
    size_t at = place(address);
    while (places_[at] != 0 && places_[at] != address) at = (at + 1) & mask_;
    places_[at] = address;
  }
}

std::vector<Answerable> answerable_names(const core::ZoneImage& image) {
  struct Shared {
    std::shared_ptr<const AddressSet> allowed;
    uint32_t most;
  };
  std::map<uint32_t, Shared> of_selector;
  std::vector<Answerable> names;
  for (const core::ImageZone& zone : image.zones()) {
    for (uint32_t i = zone.first_node; i < zone.first_node + zone.node_count; ++i) {
      const auto wire = image.bytes_of(image.nodes()[i].name);
      const core::ImageNodeType* type = type_a(image, image.nodes()[i], i == zone.first_node);
      const bool wildcard = wire.size() > 2 && wire[0] == 1 && wire[1] == '*';
      if (type == nullptr || wildcard) continue;
      auto [place, is_new] = of_selector.try_emplace(type->selector);
      if (is_new) {
        Union found;
        collect(image, type->selector, found);
        place->second = {std::make_shared<AddressSet>(found.addresses), found.most};
      }
      names.push_back({text_of(wire), place->second.allowed, place->second.most});
    }
  }
  return names;
}

} // namespace anytick::bench
