#include "dataplane/core/join_classes.h"

#include <algorithm>
#include <map>

namespace anytick::core {
namespace {

/// Cells of all columns, and of overlay_classes: a gigabyte each.
constexpr size_t cells_max = size_t{1} << 28;
constexpr size_t classes_max = size_t{1} << 24;
constexpr size_t address_targets_max = 65536;

Refusal too_many(const char* reason) {
  return {"zone image", "", reason};
}

} // namespace

ClassFinder::ClassFinder(const ZoneImage& image, const geo::Map* map)
    : image_(image), map_(map), targets_(image), evaluator_(image) {}

std::span<const ImageEntry> ClassFinder::entries_of(uint32_t selector) const {
  const ImageSelector& from = image_.selectors()[selector];
  return image_.entries().subspan(from.first_entry, from.entry_count);
}

Result<ZoneClasses> ClassFinder::find(const ImageZone& zone) {
  ZoneClasses classes;
  collect_selectors(zone, classes);
  read_targets(zone, classes);
  const std::vector<Signature> signatures = read_signatures(zone.targeting, classes);
  static const std::vector<std::vector<uint32_t>> nobody(1);
  const auto& entries = classes.overlay != nullptr ? classes.overlay->entries() : nobody;
  if (entries.size() > address_targets_max) return too_many("more than 65,536 targets by address");
  if (entries.size() * signatures.size() > cells_max) return too_many("too many places beside too many addresses");

  std::map<ZoneClasses::Column, uint32_t> class_of_column;
  std::vector<uint32_t> class_of;
  for (const std::vector<uint32_t>& addresses : entries)
    for (const Signature& signature : signatures) {
      Signature all = addresses;
      all.insert(all.end(), signature.begin(), signature.end());
      evaluator_.start(all);
      ZoneClasses::Column column;
      for (const uint32_t selector : classes.selectors) column.push_back(evaluator_.evaluate(selector));
      const auto [at, fresh] =
          class_of_column.emplace(std::move(column), static_cast<uint32_t>(classes.columns.size()));
      if (fresh) classes.columns.push_back(at->first);
      class_of.push_back(at->second);
      if (classes.columns.size() * (classes.selectors.size() + 1) > cells_max || classes.columns.size() >= classes_max)
        return too_many("answers differ in too many ways between places");
    }
  if (classes.overlay != nullptr) {
    classes.overlay_classes = std::move(class_of);
  } else {
    for (uint32_t& number : classes.number_of_location) number = class_of[number];
  }
  return classes;
}

void ClassFinder::collect_selectors(const ImageZone& zone, ZoneClasses& classes) {
  std::vector<uint32_t> all;
  for (const ImageNode& node : image_.nodes().subspan(zone.first_node, zone.node_count))
    for (const ImageNodeType& type : image_.node_types().subspan(node.first_type, node.type_count))
      all.push_back(type.selector);
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  for (const uint32_t selector : all)
    (is_constant(selector) ? classes.constants : classes.selectors).push_back(selector);
}

/// Most labels of a pool are asked for by their place: they have no targets, and need no column.
bool ClassFinder::is_constant(uint32_t selector) const {
  const auto entries = entries_of(selector);
  if (entries.size() != 1 || entries[0].target != targets_.find("@")) return false;
  return entries[0].is_alias == 0 || is_constant(entries[0].index);
}

void ClassFinder::reach(uint32_t selector, std::vector<bool>& reached) const {
  if (reached[selector]) return;
  reached[selector] = true;
  for (const ImageEntry& entry : entries_of(selector))
    if (entry.is_alias != 0) reach(entry.index, reached);
}

void ClassFinder::read_targets(const ImageZone& zone, ZoneClasses& classes) {
  static constexpr std::array<uint32_t, geo::level_count> flags{target_asn, target_region | target_region_group,
                                                                target_country, target_continent};
  std::vector<bool> reached(image_.selectors().size());
  for (const uint32_t selector : classes.selectors) reach(selector, reached);
  std::vector<bool> used(image_.targets().size());
  for (uint32_t selector = 0; selector < reached.size(); ++selector)
    if (reached[selector])
      for (const ImageEntry& entry : entries_of(selector)) used[entry.target] = true;

  std::vector<Overlay::Target> addresses;
  for (uint32_t target = 0; target < used.size(); ++target) {
    if (!used[target]) continue;
    const std::string_view text = image_.text_of(image_.targets()[target].text);
    geo::Level level;
    if (TargetIndex::level_of(text, level)) {
      const auto at = static_cast<size_t>(level);
      classes.levels[at] = classes.levels[at] || (zone.targeting & flags[at]) != 0;
    } else if ((zone.targeting & target_ip) != 0) {
      if (const auto prefix = geo::parse_prefix(text)) addresses.push_back({*prefix, target});
    }
  }
  if (!addresses.empty()) classes.overlay = std::make_unique<const Overlay>(addresses);
}

/// The distinct signatures of the map's locations; number_of_location says which one each has.
std::vector<Signature> ClassFinder::read_signatures(uint32_t targeting, ZoneClasses& classes) const {
  static constexpr std::array<geo::Location, 1> nowhere{};
  const auto locations = map_ != nullptr ? map_->locations() : std::span<const geo::Location>(nowhere);
  std::map<Signature, uint32_t> known;
  std::vector<Signature> signatures;
  for (const geo::Location& location : locations) {
    const auto [at, fresh] =
        known.emplace(targets_.signature(location, targeting), static_cast<uint32_t>(signatures.size()));
    if (fresh) signatures.push_back(at->first);
    classes.number_of_location.push_back(at->second);
  }
  classes.place_numbers = static_cast<uint32_t>(signatures.size());
  return signatures;
}

} // namespace anytick::core
