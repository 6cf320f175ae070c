#include "control/compile.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "control/dns_text.h"
#include "control/image_writer.h"
#include "control/targeting.h"
#include "dataplane/core/dns.h"
#include "dataplane/core/names.h"

namespace anytick::control {
namespace {

namespace dns = core::dns;

/// `_country TXT` tells a client where it is taken to be, as GeoDNS does. Nobody caches what is asked by hand.
constexpr std::string_view location_name = "_country";
constexpr uint32_t location_ttl = 1;

/// Type of a node that answers all types that are not listed.
constexpr uint16_t other_types = 0;

core::FoldedName folded(std::string_view wire) {
  core::FoldedName name;
  core::read_name({reinterpret_cast<const uint8_t*>(wire.data()), wire.size()}, name);
  return name;
}

bool canonical_less(std::string_view left, std::string_view right) {
  return core::compare_names(folded(left), folded(right)) < 0;
}

class ZoneCompiler {
 public:
  ZoneCompiler(const Zone& zone, const Variants& variants, ImageWriter& writer)
      : zone_(zone), variants_(variants), writer_(writer), everybody_(writer.target("@")) {}

  void run();

 private:
  /// A name that the zone answers for, as far as it is compiled.
  struct Name {
    std::optional<std::set<uint16_t>> types; ///< what it can yield, through aliases too
    std::map<uint16_t, uint32_t> selectors;
  };

  const std::set<uint16_t>& types_of(const std::string& name);
  std::optional<uint32_t> selector(const std::string& name, uint16_t type);
  std::optional<core::ImageEntry> entry(const Variant& variant, uint16_t type);
  uint32_t with_fallback(uint32_t selector, uint32_t rrset);
  uint32_t selector_for_all(const RecordSet& set);
  const RecordSet* name_servers(const std::string& name) const;

  std::vector<core::ImageNodeType> node_types(const std::string& name);
  std::vector<std::pair<std::string, std::string>> all_names() const;

  const Zone& zone_;
  const Variants& variants_;
  ImageWriter& writer_;
  uint32_t everybody_;
  std::map<std::string, Name, std::less<>> names_;
};

void ZoneCompiler::run() {
  core::ImageZone zone{};
  zone.first_node = writer_.node_count();
  zone.targeting = zone_.targeting;
  zone.serial = zone_.serial;
  zone.soa = writer_.rrset(zone_.soa, 1);
  for (const auto& [wire, name] : all_names()) {
    writer_.node(wire, node_types(name));
    zone.label_depth = std::max(zone.label_depth, folded(wire).labels);
  }
  zone.node_count = writer_.node_count() - zone.first_node;
  writer_.zone(zone);
}

/// Wire and relative form of every name that exists, in canonical order: answered ones and their parents.
std::vector<std::pair<std::string, std::string>> ZoneCompiler::all_names() const {
  std::set<std::string> names{"", std::string(location_name)};
  for (const auto& [name, labels] : variants_.all()) {
    std::string_view each = name;
    while (names.emplace(each).second && each.find('.') != each.npos) each.remove_prefix(each.find('.') + 1);
  }
  std::vector<std::pair<std::string, std::string>> all;
  for (const std::string& name : names)
    all.emplace_back(name.empty() ? zone_.origin : *parse_name(name, zone_.origin), name);
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return canonical_less(a.first, b.first); });
  return all;
}

std::vector<core::ImageNodeType> ZoneCompiler::node_types(const std::string& name) {
  std::vector<core::ImageNodeType> types;
  const auto add = [&](uint16_t type, uint32_t index) { types.push_back({type, 0, index}); };
  if (variants_.find(name) != nullptr)
    for (const uint16_t type : types_of(name)) add(type, *selector(name, type));
  if (name == location_name && variants_.find(name) == nullptr)
    add(dns::TXT, writer_.selector({{everybody_, 0, writer_.location_rrset(location_ttl)}}));
  if (name.empty()) add(dns::SOA, selector_for_all(zone_.soa));
  if (const RecordSet* servers = name_servers(name)) add(dns::NS, selector_for_all(*servers));
  std::sort(types.begin(), types.end(), [](const auto& a, const auto& b) { return a.type < b.type; });
  return types;
}

/// The zone's own, or those that a name is delegated to: never by target.
const RecordSet* ZoneCompiler::name_servers(const std::string& name) const {
  const auto label = std::ranges::lower_bound(zone_.labels, name, {}, &ZoneLabel::name);
  return label != zone_.labels.end() && label->name == name ? label->find(dns::NS) : nullptr;
}

uint32_t ZoneCompiler::selector_for_all(const RecordSet& set) {
  return writer_.selector({{everybody_, 0, writer_.rrset(set, 1)}});
}

const std::set<uint16_t>& ZoneCompiler::types_of(const std::string& name) {
  Name& known = names_[name];
  if (known.types) return *known.types;
  std::set<uint16_t> types;
  for (const Variant& variant : *variants_.find(name)) {
    for (const RecordSet& set : variant.label->sets)
      if (set.type != dns::NS) types.insert(set.type);
    if (variant.label->alias) {
      const std::set<uint16_t>& from = types_of(*variant.label->alias);
      types.insert(from.begin(), from.end());
    }
  }
  if (types.contains(dns::CNAME)) types.insert(other_types);
  return known.types.emplace(std::move(types));
}

/// Aliases are compiled before what refers to them, so that they lead to smaller indices.
std::optional<uint32_t> ZoneCompiler::selector(const std::string& name, uint16_t type) {
  const std::set<uint16_t>& types = types_of(name);
  if (!types.contains(type)) type = other_types;
  if (!types.contains(type)) return {};
  Name& known = names_.find(name)->second;
  if (const auto found = known.selectors.find(type); found != known.selectors.end()) return found->second;

  std::vector<core::ImageEntry> entries;
  for (const Variant& variant : *variants_.find(name))
    if (const auto each = entry(variant, type)) entries.push_back(*each);
  // A name that is nothing but an alias is the same as what it leads to.
  const bool only_alias = entries.size() == 1 && entries[0].target == everybody_ && entries[0].is_alias == 1;
  const uint32_t index = only_alias ? entries[0].index : writer_.selector(entries);
  known.selectors.emplace(type, index);
  return index;
}

std::optional<core::ImageEntry> ZoneCompiler::entry(const Variant& variant, uint16_t type) {
  const ZoneLabel& label = *variant.label;
  const uint32_t target = writer_.target(variant.target);
  const RecordSet* set = label.find(dns::CNAME);
  if (set == nullptr) set = label.find(type);
  std::optional<uint32_t> own;
  if (set != nullptr) own = writer_.rrset(*set, label.max_hosts);
  std::optional<uint32_t> alias;
  if (label.alias) alias = selector(*label.alias, type);
  if (alias && own) return core::ImageEntry{target, 1, with_fallback(*alias, *own)};
  if (alias) return core::ImageEntry{target, 1, *alias};
  if (own) return core::ImageEntry{target, 0, *own};
  return {};
}

/// The selector, yielding `rrset` where it would yield nothing. "@" is tried last, so that is where nothing came
/// before.
uint32_t ZoneCompiler::with_fallback(uint32_t selector, uint32_t rrset) {
  std::vector<core::ImageEntry> entries = writer_.entries_of(selector);
  const auto last = std::lower_bound(entries.begin(), entries.end(), everybody_,
                                     [](const core::ImageEntry& e, uint32_t target) { return e.target < target; });
  if (last == entries.end() || last->target != everybody_)
    entries.insert(last, {everybody_, 0, rrset});
  else if (last->is_alias == 1)
    last->index = with_fallback(last->index, rrset);
  return writer_.selector(entries);
}

/// Sorted in canonical order, where a zone is followed by what lies inside it.
Result<std::vector<const Zone*>> in_order(std::span<const Zone> zones) {
  std::vector<const Zone*> order;
  for (const Zone& zone : zones) order.push_back(&zone);
  std::sort(order.begin(), order.end(),
            [](const Zone* a, const Zone* b) { return canonical_less(a->origin, b->origin); });
  for (size_t i = 1; i < order.size(); ++i) {
    const core::FoldedName above = folded(order[i - 1]->origin), below = folded(order[i]->origin);
    if (below.labels < above.labels) continue;
    if (core::compare_names(above, folded(order[i]->origin.substr(below.label_at[below.labels - above.labels]))) != 0)
      continue;
    const std::string other = name_text(order[i - 1]->origin) + " of " + order[i - 1]->file;
    return Refusal{order[i]->file, "",
                   (below.labels == above.labels ? "the same zone as " : "lies inside the zone ") + other};
  }
  return order;
}

} // namespace

Result<std::vector<std::byte>> compile(std::span<const Zone> zones, uint64_t serial, uint64_t created) {
  const auto order = in_order(zones);
  if (!order) return order.refusal();
  std::vector<Variants> variants;
  std::set<std::string> texts{"@"};
  for (const Zone* zone : *order) {
    variants.emplace_back(*zone);
    for (const auto& [name, labels] : variants.back().all())
      for (const Variant& variant : labels) texts.insert(variant.target);
  }
  ImageWriter writer({texts.begin(), texts.end()});
  for (size_t i = 0; i < order->size(); ++i) ZoneCompiler(*(*order)[i], variants[i], writer).run();
  return lay_out(writer.take(), serial, created);
}

} // namespace anytick::control
