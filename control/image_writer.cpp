#include "control/image_writer.h"

#include <bit>
#include <cstring>
#include <limits>

#include "dataplane/core/dns.h"

namespace anytick::control {
namespace {

static_assert(std::endian::native == std::endian::little, "the image is written as it stands in memory");

template <class T> std::string_view raw_bytes(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

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

} // namespace

ImageWriter::ImageWriter(const std::vector<std::string>& targets) {
  for (const std::string& text : targets) {
    target_index_.emplace(text, static_cast<uint32_t>(targets_.size()));
    targets_.push_back({blob(text)});
  }
}

core::BlobRange ImageWriter::blob(std::string_view bytes) {
  // Offsets wrap where the blob outgrows them; finish() refuses such an image as a whole.
  const core::BlobRange range{static_cast<uint32_t>(blob_.size()), static_cast<uint32_t>(bytes.size())};
  const auto [at, fresh] = known_bytes_.emplace(bytes, range);
  if (fresh) blob_ += bytes;
  return at->second;
}

uint32_t ImageWriter::rrset(const RecordSet& set, uint32_t max_hosts) {
  const bool drawn = is_drawn(set);
  core::ImageRRset rrset{};
  rrset.type = set.type;
  rrset.kind = static_cast<uint16_t>(drawn ? core::AnswerKind::draw : core::AnswerKind::all);
  rrset.ttl = set.ttl;
  rrset.record_count = static_cast<uint32_t>(set.records.size());
  rrset.max_records = answer_records(set, max_hosts);
  std::vector<core::ImageRecord> records;
  records.reserve(set.records.size());
  for (const ZoneRecord& record : set.records)
    records.push_back({blob(record.rdata), drawn ? record.weight.value_or(1) : 0});

  const std::string key = std::string(raw_bytes(rrset)) + std::string(raw_bytes(records));
  const auto [at, fresh] = known_rrsets_.emplace(key, static_cast<uint32_t>(rrsets_.size()));
  if (fresh) {
    rrset.first_record = static_cast<uint32_t>(records_.size());
    rrsets_.push_back(rrset);
    records_.insert(records_.end(), records.begin(), records.end());
  }
  return at->second;
}

uint32_t ImageWriter::location_rrset(uint32_t ttl) {
  core::ImageRRset rrset{};
  rrset.type = core::dns::TXT;
  rrset.kind = static_cast<uint16_t>(core::AnswerKind::location);
  rrset.ttl = ttl;
  rrset.max_records = 1;
  const auto [at, fresh] = known_rrsets_.emplace(std::string(raw_bytes(rrset)), static_cast<uint32_t>(rrsets_.size()));
  if (fresh) rrsets_.push_back(rrset);
  return at->second;
}

uint32_t ImageWriter::selector(const std::vector<core::ImageEntry>& entries) {
  const auto [at, fresh] = known_selectors_.emplace(raw_bytes(entries), static_cast<uint32_t>(selectors_.size()));
  if (fresh) {
    selectors_.push_back({static_cast<uint32_t>(entries_.size()), static_cast<uint32_t>(entries.size())});
    entries_.insert(entries_.end(), entries.begin(), entries.end());
  }
  return at->second;
}

std::vector<core::ImageEntry> ImageWriter::entries_of(uint32_t selector) const {
  const core::ImageSelector& from = selectors_[selector];
  const auto first = entries_.begin() + from.first_entry;
  return {first, first + from.entry_count};
}

void ImageWriter::node(std::string_view name, const std::vector<core::ImageNodeType>& types) {
  nodes_.push_back({blob(name), static_cast<uint32_t>(node_types_.size()), static_cast<uint16_t>(types.size()), 0});
  node_types_.insert(node_types_.end(), types.begin(), types.end());
}

Result<std::vector<std::byte>> ImageWriter::finish(uint64_t serial, uint64_t created) const {
  Layout layout;
  layout.add(core::Section::blob, blob_, blob_.size());
  layout.add(core::Section::zones, zones_);
  layout.add(core::Section::nodes, nodes_);
  layout.add(core::Section::node_types, node_types_);
  layout.add(core::Section::selectors, selectors_);
  layout.add(core::Section::entries, entries_);
  layout.add(core::Section::targets, targets_);
  layout.add(core::Section::rrsets, rrsets_);
  layout.add(core::Section::records, records_);
  if (!layout.fits()) return Refusal{"zone image", "", "more than 2^32 - 1 elements of a section"};
  return layout.finish(serial, created);
}

} // namespace anytick::control
