#include "control/image_layout.h"

#include <bit>
#include <cstring>
#include <limits>

namespace anytick::control {
namespace {

static_assert(std::endian::native == std::endian::little, "the image is written as it stands in memory");

template <class T> std::string_view raw_bytes(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

/// Appends sections in order, each 8-byte aligned.
class Layout {
 public:
  void add(core::Section section, std::string_view bytes, size_t count) {
    if (count > std::numeric_limits<uint32_t>::max()) fits_ = false;
    bytes_.resize((bytes_.size() + 7) & ~size_t{7});
    header_.sections[static_cast<size_t>(section)] = {bytes_.size(), count};
    const auto* from = reinterpret_cast<const std::byte*>(bytes.data());
    bytes_.insert(bytes_.end(), from, from + bytes.size());
  }
  template <class T> void add(core::Section section, const std::vector<T>& elements) {
    add(section, raw_bytes(elements), elements.size());
  }
  bool fits() const { return fits_; }

  std::vector<std::byte> finish(uint64_t serial, uint64_t created) {
    header_.magic = core::zone_magic;
    header_.format = core::zone_format_version;
    header_.header_bytes = sizeof header_;
    header_.total_bytes = bytes_.size();
    header_.serial = serial;
    header_.created = created;
    std::memcpy(bytes_.data(), &header_, sizeof header_);
    header_.digest = core::image_digest(bytes_);
    std::memcpy(bytes_.data(), &header_, sizeof header_);
    return std::move(bytes_);
  }

 private:
  core::ZoneHeader header_{};
  std::vector<std::byte> bytes_ = std::vector<std::byte>(sizeof(core::ZoneHeader));
  bool fits_ = true;
};

/// Moves ranges of one blob to another one, in the order in which they come.
class BlobMover {
 public:
  explicit BlobMover(const std::string& from) : from_(from) {}

  void move(core::BlobRange& range) {
    const auto [at, fresh] =
        moved_.emplace(uint64_t{range.offset} << 32 | range.length, static_cast<uint32_t>(to_.size()));
    if (fresh) to_.append(from_, range.offset, range.length);
    range.offset = at->second;
  }
  std::string take() { return std::move(to_); }

 private:
  const std::string& from_;
  std::string to_;
  std::unordered_map<uint64_t, uint32_t> moved_;
};

} // namespace

core::BlobRange ImageParts::bytes(std::string_view bytes) {
  // Offsets wrap where the blob outgrows them; lay_out() refuses such an image as a whole.
  const core::BlobRange range{static_cast<uint32_t>(blob.size()), static_cast<uint32_t>(bytes.size())};
  const auto [at, fresh] = known_.emplace(bytes, range);
  if (fresh) blob += bytes;
  return at->second;
}

Result<std::vector<std::byte>> lay_out(ImageParts parts, uint64_t serial, uint64_t created) {
  const Refusal too_large{"zone image", "", "more than 2^32 - 1 elements of a section"};
  if (parts.blob.size() > std::numeric_limits<uint32_t>::max()) return too_large;
  BlobMover mover(parts.blob);
  for (core::ImageTarget& target : parts.targets) mover.move(target.text);
  for (core::ImageNode& node : parts.nodes) mover.move(node.name);
  for (core::ImageRecord& record : parts.records) mover.move(record.rdata);
  const std::string blob = mover.take();

  Layout layout;
  layout.add(core::Section::blob, blob, blob.size());
  layout.add(core::Section::zones, parts.zones);
  layout.add(core::Section::nodes, parts.nodes);
  layout.add(core::Section::node_types, parts.node_types);
  layout.add(core::Section::selectors, parts.selectors);
  layout.add(core::Section::entries, parts.entries);
  layout.add(core::Section::targets, parts.targets);
  layout.add(core::Section::rrsets, parts.rrsets);
  layout.add(core::Section::records, parts.records);
  if (!layout.fits()) return too_large;
  return layout.finish(serial, created);
}

} // namespace anytick::control
