#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace anytick::control {

struct ZoneRecord {
  std::string rdata;              ///< wire format, names lower case and uncompressed
  std::optional<uint32_t> weight; ///< as stated, >= 1
};

struct RecordSet {
  uint16_t type;
  uint32_t ttl; ///< seconds
  std::vector<ZoneRecord> records;
};

/// Whether answers from the set are drawn: addresses always, name servers never, others where a record states a weight;
/// several CNAMEs too, because an answer has one.
bool is_drawn(const RecordSet& set);

/// Most records in an answer from the set.
uint32_t answer_records(const RecordSet& set, uint32_t max_hosts);

/// What a zone says of one label.
struct ZoneLabel {
  std::string key;                  ///< as written in the file, for messages
  std::string name;                 ///< lower case, relative to the origin, "" for the apex
  std::optional<std::string> alias; ///< name of another label
  uint32_t max_hosts = 2;           ///< most records in an answer that is drawn, 1..core::draw_records_max
  std::vector<RecordSet> sets;      ///< not empty ones, sorted by type

  const RecordSet* find(uint16_t type) const {
    for (const RecordSet& set : sets)
      if (set.type == type) return &set;
    return nullptr;
  }
};

/// A zone as its author wrote it: labels with targets in their names (`0.us`), not yet resolved.
struct Zone {
  std::string file;   ///< for messages
  std::string origin; ///< wire format, lower case
  uint32_t serial = 0;
  uint32_t targeting = 0;        ///< core::Targeting flags
  RecordSet soa;                 ///< one record
  std::vector<ZoneLabel> labels; ///< sorted by name, distinct
};

} // namespace anytick::control
