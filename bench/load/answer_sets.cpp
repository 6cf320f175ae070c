#include "bench/load/answer_sets.h"

#include <algorithm>
#include <array>
#include <map>

#include "dataplane/core/dns.h"
#include "dataplane/core/names.h"

namespace anytick::bench {
namespace {

struct Union {
  std::vector<WireAddress> addresses;
  uint32_t least = UINT32_MAX, most = 0; // records in an answer, wherever there is one
  bool for_everyone = false;             // there is an entry for all who are nowhere else
};

/// Aliases go to selectors with smaller indexes, so this ends.
void collect(const core::ZoneImage& image, uint32_t index, Union& found) {
  const core::ImageSelector& selector = image.selectors()[index];
  bool for_everyone = false;
  for (const core::ImageEntry& entry : image.entries().subspan(selector.first_entry, selector.entry_count)) {
    const bool is_last = image.text_of(image.targets()[entry.target].text) == "@";
    if (entry.is_alias != 0) {
      collect(image, entry.index, found);
      for_everyone |= is_last && found.for_everyone;
      continue;
    }
    for_everyone |= is_last;
    const core::ImageRRset& rrset = image.rrsets()[entry.index];
    found.least = std::min(found.least, rrset.max_records);
    found.most = std::max(found.most, rrset.max_records);
    const auto addresses = addresses_of(image, rrset);
    found.addresses.insert(found.addresses.end(), addresses.begin(), addresses.end());
  }
  found.for_everyone = for_everyone;
}

/// Whether a name is at or below another, both in wire format and lower case.
bool is_within(std::span<const uint8_t> name, std::span<const uint8_t> other) {
  return !other.empty() && name.size() >= other.size() && std::ranges::equal(name.last(other.size()), other);
}

bool is_cut(const core::ZoneImage& image, const core::ImageNode& node) {
  return std::ranges::any_of(image.node_types().subspan(node.first_type, node.type_count),
                             [](const core::ImageNodeType& type) { return type.type == core::dns::NS; });
}

std::string text_of(std::span<const uint8_t> wire) {
  std::array<char, core::name_text_max> text;
  return {text.data(), core::write_name_text(wire, text.data())};
}

/// The selector that answers the type there, if any: not where a CNAME does.
const core::ImageNodeType* type_at(const core::ZoneImage& image, const core::ImageNode& node, uint16_t wanted) {
  const core::ImageNodeType* found = nullptr;
  for (const core::ImageNodeType& type : image.node_types().subspan(node.first_type, node.type_count)) {
    if (type.type == 0) return nullptr;
    if (type.type == wanted) found = &type;
  }
  return found;
}

} // namespace

AddressSet::AddressSet(std::span<const WireAddress> addresses) {
  const auto of_ipv4 = std::ranges::count(addresses, 4u, &WireAddress::size);
  ipv4_.reserve(static_cast<size_t>(of_ipv4));
  ipv6_.reserve(addresses.size() - static_cast<size_t>(of_ipv4));
  for (const WireAddress address : addresses) address.size() == 4 ? ipv4_.add(ipv4(address)) : ipv6_.add(ipv6(address));
}

std::vector<WireAddress> addresses_of(const core::ZoneImage& image, const core::ImageRRset& rrset) {
  std::vector<WireAddress> addresses;
  for (const core::ImageRecord& record : image.records().subspan(rrset.first_record, rrset.record_count))
    addresses.push_back(image.bytes_of(record.rdata));
  return addresses;
}

std::vector<Answerable> answerable_names(const core::ZoneImage& image, uint16_t wanted) {
  struct Shared {
    std::shared_ptr<const AddressSet> allowed;
    uint32_t least, most;
  };
  std::map<uint32_t, Shared> of_selector;
  std::vector<Answerable> names;
  for (const core::ImageZone& zone : image.zones()) {
    std::span<const uint8_t> cut; // the last one: what is below follows it
    for (uint32_t i = zone.first_node; i < zone.first_node + zone.node_count; ++i) {
      const auto wire = image.bytes_of(image.nodes()[i].name);
      if (i != zone.first_node && !is_within(wire, cut) && is_cut(image, image.nodes()[i])) cut = wire;
      const core::ImageNodeType* type = type_at(image, image.nodes()[i], wanted);
      const bool wildcard = wire.size() > 2 && wire[0] == 1 && wire[1] == '*';
      if (type == nullptr || wildcard || is_within(wire, cut)) continue;
      auto [place, is_new] = of_selector.try_emplace(type->selector);
      if (is_new) {
        Union found;
        collect(image, type->selector, found);
        place->second = {std::make_shared<AddressSet>(found.addresses), found.for_everyone ? found.least : 0,
                         found.most};
      }
      names.push_back({text_of(wire), wanted, i, place->second.allowed, place->second.least, place->second.most});
    }
  }
  return names;
}

} // namespace anytick::bench
