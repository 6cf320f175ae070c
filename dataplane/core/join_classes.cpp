#include "dataplane/core/join_classes.h"

#include <algorithm>
#include <map>

#include "dataplane/core/row_table.h"

namespace anytick::core {
namespace {

constexpr size_t classes_max = size_t{1} << 24;
constexpr size_t address_targets_max = 65536;

Refusal too_many(const char* reason) {
  return {"zone image", "", reason};
}

/// Gives equal signatures one number.
class Signatures {
 public:
  uint32_t index_of(TargetList signature) {
    const auto [at, fresh] = known_.emplace(std::move(signature), static_cast<uint32_t>(all_.size()));
    if (fresh) all_.push_back(at->first);
    return at->second;
  }
  std::vector<TargetList> take() { return std::move(all_); }

 private:
  std::map<TargetList, uint32_t> known_;
  std::vector<TargetList> all_;
};

} // namespace

ClassFinder::ClassFinder(const ZoneImage& image, const geo::Map* map)
    : image_(image), map_(map), targets_(image), evaluator_(image), kinds_(image.selectors().size()) {
  // Aliases lead to smaller indices.
  for (uint32_t selector = 0; selector < kinds_.size(); ++selector)
    for (const ImageEntry& entry : entries_of(selector)) {
      kinds_[selector] |= targets_.kind_of(entry.target);
      if (entry.is_alias != 0) kinds_[selector] |= kinds_[entry.index];
    }
}

std::span<const ImageEntry> ClassFinder::entries_of(uint32_t selector) const {
  const ImageSelector& from = image_.selectors()[selector];
  return image_.entries().subspan(from.first_entry, from.entry_count);
}

Result<ZoneClasses> ClassFinder::find(const ImageZone& zone) {
  ZoneClasses classes;
  collect_selectors(zone, classes);
  if (auto refusal = make_overlay(classes)) return *std::move(refusal);
  const std::vector<TargetList> signatures = read_signatures(zone.targeting, classes);
  for (ClassGroup& group : classes.groups)
    if (auto refusal = find_group(classes.overlay.get(), signatures, group)) return *std::move(refusal);
  return classes;
}

void ClassFinder::collect_selectors(const ImageZone& zone, ZoneClasses& classes) const {
  std::vector<uint32_t> all;
  for (const ImageNode& node : image_.nodes().subspan(zone.first_node, zone.node_count))
    for (const ImageNodeType& type : image_.node_types().subspan(node.first_type, node.type_count))
      all.push_back(type.selector);
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  std::map<TargetKinds, std::vector<uint32_t>> by_kinds;
  const TargetKinds usable = kinds_tried(zone.targeting);
  for (const uint32_t selector : all)
    if (is_constant(selector))
      classes.constants.push_back(selector);
    else
      by_kinds[kinds_[selector] & usable].push_back(selector);
  for (auto& [kinds, selectors] : by_kinds) {
    ClassGroup& group = classes.groups.emplace_back();
    group.kinds = kinds;
    group.selectors = std::move(selectors);
  }
}

/// Most labels of a pool are asked for by their place: they have no targets, and need no column.
bool ClassFinder::is_constant(uint32_t selector) const {
  const auto entries = entries_of(selector);
  if (entries.size() != 1 || entries[0].target != targets_.find("@")) return false;
  return entries[0].is_alias == 0 || is_constant(entries[0].index);
}

/// Those that the group's selectors can come to.
std::vector<bool> ClassFinder::targets_of(const ClassGroup& group) const {
  std::vector<bool> reached(image_.selectors().size());
  std::vector<bool> used(image_.targets().size());
  for (const uint32_t selector : group.selectors) reached[selector] = true;
  for (size_t selector = reached.size(); selector-- > 0;) {
    if (!reached[selector]) continue;
    for (const ImageEntry& entry : entries_of(static_cast<uint32_t>(selector))) {
      used[entry.target] = true;
      if (entry.is_alias != 0) reached[entry.index] = true;
    }
  }
  return used;
}

std::optional<Refusal> ClassFinder::make_overlay(ZoneClasses& classes) const {
  std::vector<Overlay::Target> addresses;
  for (const ClassGroup& group : classes.groups) {
    if ((group.kinds & kind_address) == 0) continue;
    const std::vector<bool> used = targets_of(group);
    for (uint32_t target = 0; target < used.size(); ++target)
      if (used[target] && targets_.kind_of(target) == kind_address)
        addresses.push_back({*geo::parse_prefix(image_.text_of(image_.targets()[target].text)), target});
  }
  std::sort(addresses.begin(), addresses.end(), [](const auto& a, const auto& b) { return a.index < b.index; });
  addresses.erase(
      std::unique(addresses.begin(), addresses.end(), [](const auto& a, const auto& b) { return a.index == b.index; }),
      addresses.end());
  if (addresses.size() > address_targets_max) return too_many("more than 65,536 targets by address");
  if (!addresses.empty()) classes.overlay = std::make_unique<const Overlay>(addresses);
  return {};
}

/// The distinct signatures of the map's locations.
std::vector<TargetList> ClassFinder::read_signatures(uint32_t targeting, ZoneClasses& classes) const {
  static constexpr std::array<geo::Location, 1> nowhere{};
  Signatures signatures;
  for (const geo::Location& location : map_ != nullptr ? map_->locations() : std::span(nowhere))
    classes.signature_of_location.push_back(signatures.index_of(targets_.signature(location, targeting)));
  return signatures.take();
}

/// What of a signature the group's targets have in it is all that its selectors see.
std::optional<Refusal> ClassFinder::find_group(const Overlay* overlay, std::span<const TargetList> zone_signatures,
                                               ClassGroup& group) {
  const std::vector<bool> used = targets_of(group);
  const auto seen_of = [&](const TargetList& signature) {
    TargetList seen;
    std::copy_if(signature.begin(), signature.end(), std::back_inserter(seen),
                 [&](uint32_t target) { return used[target]; });
    return seen;
  };
  Signatures seen;
  for (const TargetList& signature : zone_signatures)
    group.number_of_signature.push_back(seen.index_of(seen_of(signature)));
  const std::vector<TargetList> by_location = seen.take();
  group.place_numbers = static_cast<uint32_t>(by_location.size());

  std::vector<uint32_t> class_of;
  if ((group.kinds & kind_address) != 0) {
    if (auto refusal = find_classes(overlay->entries(), by_location, group, class_of)) return refusal;
    group.overlay_classes = std::move(class_of);
  } else {
    static const TargetList nobody;
    if (auto refusal = find_classes({&nobody, 1}, by_location, group, class_of)) return refusal;
    for (uint32_t& number : group.number_of_signature) number = class_of[number];
  }
  return {};
}

std::optional<Refusal> ClassFinder::find_classes(std::span<const TargetList> by_address,
                                                 std::span<const TargetList> by_location, ClassGroup& group,
                                                 std::vector<uint32_t>& class_of) {
  if (by_address.size() * by_location.size() > cells_max) return too_many("too many places beside too many addresses");
  RowTable columns(group.cells, group.selectors.size());
  std::vector<uint32_t> column(group.selectors.size());
  for (const TargetList& addresses : by_address)
    for (const TargetList& location : by_location) {
      TargetList all = addresses;
      all.insert(all.end(), location.begin(), location.end());
      evaluator_.start(all);
      std::transform(group.selectors.begin(), group.selectors.end(), column.begin(),
                     [&](uint32_t selector) { return evaluator_.evaluate(selector); });
      class_of.push_back(columns.index_of(column));
      if (group.cells.size() > cells_max || columns.size() > classes_max)
        return too_many("answers differ in too many ways between places");
    }
  group.class_count = columns.size();
  return {};
}

} // namespace anytick::core
