#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dataplane/core/zone_image.h"
#include "geo/refusal.h"

namespace anytick::control {

/// The sections of an image while they are collected.
struct ImageParts {
  /// The place of these bytes in the blob, where equal ones stand once.
  core::BlobRange bytes(std::string_view bytes);

  std::string blob;
  std::vector<core::ImageZone> zones;
  std::vector<core::ImageNode> nodes;
  std::vector<core::ImageNodeType> node_types;
  std::vector<core::ImageSelector> selectors;
  std::vector<core::ImageEntry> entries;
  std::vector<core::ImageTarget> targets;
  std::vector<core::ImageRRset> rrsets;
  std::vector<core::ImageRecord> records;

 private:
  std::unordered_map<std::string, core::BlobRange> known_;
};

/// The image's bytes, its digest set; refused where a section outgrows the format. The blob is laid out anew, in the
/// order in which targets, nodes and records name its bytes: an image depends on what it says, not on how it came to
/// be.
Result<std::vector<std::byte>> lay_out(ImageParts parts, uint64_t serial, uint64_t created);

} // namespace anytick::control
