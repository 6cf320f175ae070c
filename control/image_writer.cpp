#include "control/image_writer.h"

#include "dataplane/core/dns.h"

namespace anytick::control {
namespace {

template <class T> std::string_view raw_bytes(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

template <class T> std::string_view raw_bytes(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

} // namespace

ImageWriter::ImageWriter(const std::vector<std::string>& targets) {
  for (const std::string& text : targets) {
    target_index_.emplace(text, static_cast<uint32_t>(parts_.targets.size()));
    parts_.targets.push_back({parts_.bytes(text)});
  }
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
    records.push_back({parts_.bytes(record.rdata), drawn ? record.weight.value_or(1) : 0});

  const std::string key = std::string(raw_bytes(rrset)) + std::string(raw_bytes(records));
  const auto [at, fresh] = known_rrsets_.emplace(key, static_cast<uint32_t>(parts_.rrsets.size()));
  if (fresh) {
    rrset.first_record = static_cast<uint32_t>(parts_.records.size());
    parts_.rrsets.push_back(rrset);
    parts_.records.insert(parts_.records.end(), records.begin(), records.end());
  }
  return at->second;
}

uint32_t ImageWriter::location_rrset(uint32_t ttl) {
  core::ImageRRset rrset{};
  rrset.type = core::dns::TXT;
  rrset.kind = static_cast<uint16_t>(core::AnswerKind::location);
  rrset.ttl = ttl;
  rrset.max_records = 1;
  const auto [at, fresh] =
      known_rrsets_.emplace(std::string(raw_bytes(rrset)), static_cast<uint32_t>(parts_.rrsets.size()));
  if (fresh) parts_.rrsets.push_back(rrset);
  return at->second;
}

uint32_t ImageWriter::selector(const std::vector<core::ImageEntry>& entries) {
  const auto [at, fresh] = known_selectors_.emplace(raw_bytes(entries), static_cast<uint32_t>(parts_.selectors.size()));
  if (fresh) {
    parts_.selectors.push_back({static_cast<uint32_t>(parts_.entries.size()), static_cast<uint32_t>(entries.size())});
    parts_.entries.insert(parts_.entries.end(), entries.begin(), entries.end());
  }
  return at->second;
}

std::vector<core::ImageEntry> ImageWriter::entries_of(uint32_t selector) const {
  const core::ImageSelector& from = parts_.selectors[selector];
  const auto first = parts_.entries.begin() + from.first_entry;
  return {first, first + from.entry_count};
}

void ImageWriter::node(std::string_view name, const std::vector<core::ImageNodeType>& types) {
  parts_.nodes.push_back(
      {parts_.bytes(name), static_cast<uint32_t>(parts_.node_types.size()), static_cast<uint16_t>(types.size()), 0});
  parts_.node_types.insert(parts_.node_types.end(), types.begin(), types.end());
}

} // namespace anytick::control
