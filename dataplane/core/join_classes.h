#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "dataplane/core/overlay.h"
#include "dataplane/core/targeting.h"
#include "dataplane/core/zone_image.h"
#include "geo/map.h"

namespace anytick::core {

/// Selectors whose targets are of the same kinds, so that what few of them ask for does not multiply the classes of
/// all: a pool's labels know countries, and a hundred that know AS numbers have thousands of classes of their own.
/// Clients for whom every selector of the group yields the same are one class of it.
struct ClassGroup {
  TargetKinds kinds;
  std::vector<uint32_t> selectors;
  std::vector<uint32_t> cells; ///< by class and selector: the RRset, or AnswerRef::none_index
  uint32_t class_count = 0;
  std::vector<uint32_t> number_of_signature; ///< the class; with targets by address, the place in a row of:
  std::vector<uint32_t> overlay_classes;     ///< by overlay entry and place number
  uint32_t place_numbers = 0;                ///< distinct values in number_of_signature
};

/// How a zone tells its clients apart (load time only).
struct ZoneClasses {
  std::vector<uint32_t> constants; ///< selectors of the zone that yield the same for everybody, by their own look
  std::vector<ClassGroup> groups;  ///< all others
  std::vector<uint32_t> signature_of_location;
  std::unique_ptr<const Overlay> overlay; ///< null if the zone targets no addresses
};

/// Finds the classes of one zone after the other.
class ClassFinder {
 public:
  /// Most cells of a group, and of overlay_classes: a quarter of a gigabyte each.
  static constexpr size_t cells_max = size_t{1} << 26;

  /// `map` may be null: then everybody is nowhere.
  ClassFinder(const ZoneImage& image, const geo::Map* map);

  /// Refuses what would take more than cells_max.
  Result<ZoneClasses> find(const ImageZone& zone);

 private:
  void collect_selectors(const ImageZone& zone, ZoneClasses& classes) const;
  bool is_constant(uint32_t selector) const;
  std::vector<bool> targets_of(const ClassGroup& group) const;
  std::optional<Refusal> make_overlay(ZoneClasses& classes) const;
  std::vector<TargetList> read_signatures(uint32_t targeting, ZoneClasses& classes) const;
  std::optional<Refusal> find_group(const Overlay* overlay, std::span<const TargetList> zone_signatures,
                                    ClassGroup& group);
  std::optional<Refusal> find_classes(std::span<const TargetList> by_address, std::span<const TargetList> by_location,
                                      ClassGroup& group, std::vector<uint32_t>& class_of);
  std::span<const ImageEntry> entries_of(uint32_t selector) const;

  const ZoneImage& image_;
  const geo::Map* map_;
  TargetIndex targets_;
  Evaluator evaluator_;
  std::vector<TargetKinds> kinds_; ///< by selector: of all targets that it can come to, through aliases too
};

} // namespace anytick::core
