#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dataplane/core/zone_image.h"
#include "geo/map.h"

/// How the targets that an image names by text meet the locations of a map (load time only).
namespace anytick::core {

inline constexpr uint32_t no_target = UINT32_MAX;

/// Kinds of targets as flags: 1 << geo::Level, or by address. "@" is of none.
using TargetKinds = uint8_t;
inline constexpr TargetKinds kind_address = 1u << geo::level_count;
constexpr TargetKinds kind_of(geo::Level level) {
  return static_cast<TargetKinds>(1u << static_cast<unsigned>(level));
}
/// The kinds that a zone with these targeting flags tries.
TargetKinds kinds_tried(uint32_t targeting);

/// The targets that a location is tried at, finest first, "@" last. Ones that the image does not name are left out.
using TargetList = std::vector<uint32_t>;

/// The targets named by an image, by text.
class TargetIndex {
 public:
  explicit TargetIndex(const ZoneImage& image);
  /// Index of the target with this text, or no_target.
  uint32_t find(std::string_view text) const;
  /// The one kind of the target with this index; 0 for "@".
  TargetKinds kind_of(uint32_t target) const { return kinds_[target]; }
  /// The targets of a location under a zone's targeting flags; targets by address go before them.
  TargetList signature(const geo::Location& location, uint32_t targeting) const;
  /// The level that a target's text speaks of; false for "@" and addresses. A region group is of its regions' level.
  static bool level_of(std::string_view text, geo::Level& level);

 private:
  std::unordered_map<std::string_view, uint32_t> by_text_;
  std::vector<TargetKinds> kinds_;
};

/// Which RRset a selector yields. Results are kept per signature, so that a lattice of aliases costs what it has nodes.
class Evaluator {
 public:
  explicit Evaluator(const ZoneImage& image) : image_(image), known_(image.selectors().size()) {}

  /// Starts a new signature, which must stay until the next one.
  void start(std::span<const uint32_t> signature);
  /// The RRset for the signature, or AnswerRef::none_index. Aliases are followed with the same signature.
  uint32_t evaluate(uint32_t selector);

 private:
  struct Known {
    uint32_t round = 0;
    uint32_t result = 0;
  };
  uint32_t search(uint32_t selector);

  const ZoneImage& image_;
  std::vector<Known> known_;
  std::span<const uint32_t> signature_;
  uint32_t round_ = 0;
};

} // namespace anytick::core
