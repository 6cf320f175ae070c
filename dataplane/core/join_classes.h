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

/// How a zone tells its clients apart (load time only). Clients for whom every selector yields the same are one class.
struct ZoneClasses {
  using Column = std::vector<uint32_t>;

  std::vector<uint32_t> constants;             ///< selectors of the zone that yield the same for everybody
  std::vector<uint32_t> selectors;             ///< those that do not, by their own look
  std::vector<Column> columns;                 ///< by class: what each of `selectors` yields
  std::vector<uint32_t> number_of_location;    ///< the class; with an overlay, the place in a row of overlay_classes
  uint32_t place_numbers = 0;                  ///< distinct values in it
  std::array<bool, geo::level_count> levels{}; ///< that its targets speak of
  std::unique_ptr<const Overlay> overlay;      ///< null if it targets no addresses
  std::vector<uint32_t> overlay_classes;       ///< by overlay entry and place number
};

/// Finds the classes of one zone after the other.
class ClassFinder {
 public:
  /// `map` may be null: then everybody is nowhere.
  ClassFinder(const ZoneImage& image, const geo::Map* map);

  /// Refuses what would take more than about a gigabyte.
  Result<ZoneClasses> find(const ImageZone& zone);

 private:
  void collect_selectors(const ImageZone& zone, ZoneClasses& classes);
  bool is_constant(uint32_t selector) const;
  void read_targets(const ImageZone& zone, ZoneClasses& classes);
  void reach(uint32_t selector, std::vector<bool>& reached) const;
  std::vector<Signature> read_signatures(uint32_t targeting, ZoneClasses& classes) const;
  std::span<const ImageEntry> entries_of(uint32_t selector) const;

  const ZoneImage& image_;
  const geo::Map* map_;
  TargetIndex targets_;
  Evaluator evaluator_;
};

} // namespace anytick::core
