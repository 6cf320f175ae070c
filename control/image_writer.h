#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "control/image_layout.h"
#include "control/zone.h"
#include "dataplane/core/zone_image.h"

namespace anytick::control {

/// Collects the elements of an image, equal ones once.
class ImageWriter {
 public:
  /// `targets`: all texts that entries will name, sorted and distinct.
  explicit ImageWriter(const std::vector<std::string>& targets);

  uint32_t target(std::string_view text) const { return target_index_.at(std::string(text)); }
  uint32_t rrset(const RecordSet& set, uint32_t max_hosts);
  /// The TXT record that tells a client where it is taken to be.
  uint32_t location_rrset(uint32_t ttl);
  /// Precondition: entries sorted by target, at least one; aliases lead to selectors that came from here.
  uint32_t selector(const std::vector<core::ImageEntry>& entries);
  std::vector<core::ImageEntry> entries_of(uint32_t selector) const;
  /// Precondition: types sorted; zones and their nodes come in canonical order.
  void node(std::string_view name, const std::vector<core::ImageNodeType>& types);
  void zone(core::ImageZone zone) { parts_.zones.push_back(zone); }
  uint32_t node_count() const { return static_cast<uint32_t>(parts_.nodes.size()); }

  ImageParts take() { return std::move(parts_); }

 private:
  std::unordered_map<std::string, uint32_t> target_index_;
  std::unordered_map<std::string, uint32_t> known_rrsets_;
  std::unordered_map<std::string, uint32_t> known_selectors_;
  ImageParts parts_;
};

} // namespace anytick::control
