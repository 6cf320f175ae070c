#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "geo/refusal.h"

/// The compiled zone: one flat, position-independent, immutable byte string. All integers are little-endian.
/// It states meaning only (names, targets, RRsets, weights); what makes answering fast (hashes, draw tables, classes)
/// is built from it at load, so that it cannot be wrong in the image and can change without a new format.
namespace anytick::core {

inline constexpr std::array<char, 8> zone_magic{'a', 'n', 'y', 't', 'z', 'o', 'n', 'e'};
inline constexpr uint32_t zone_format_version = 1;

/// Sections follow the header in this order, each 8-byte aligned, gaps zero, nothing after the last.
enum class Section : uint32_t { blob, zones, nodes, node_types, selectors, entries, targets, rrsets, records };
inline constexpr size_t section_count = 9;

struct SectionPlace {
  uint64_t offset; ///< bytes from the image's start
  uint64_t count;  ///< elements (bytes for the blob)
};

struct ZoneHeader {
  std::array<char, 8> magic;
  uint32_t format;
  uint32_t header_bytes;          ///< sizeof(ZoneHeader)
  std::array<uint8_t, 32> digest; ///< SHA-256 over the image with this field zero: finds accidents, not malice
  uint64_t total_bytes;
  uint64_t serial;  ///< of the image; a zone's SOA serial is its own
  uint64_t created; ///< seconds since 1970 as stated by the compiler, 0 if it did not
  uint64_t reserved;
  std::array<SectionPlace, section_count> sections;
};

/// Bytes of the blob.
struct BlobRange {
  uint32_t offset;
  uint32_t length;
};

/// Flags of ImageZone::targeting: the levels that its names are tried at.
enum Targeting : uint32_t {
  target_continent = 1u << 0,
  target_country = 1u << 1,
  target_region_group = 1u << 2,
  target_region = 1u << 3,
  target_asn = 1u << 4,
  target_ip = 1u << 5,
};

/// A zone; its nodes are contiguous, apex first, then in canonical order (RFC 4034 6.1).
struct ImageZone {
  uint32_t first_node;
  uint32_t node_count;
  uint32_t soa;         ///< RRset
  uint32_t targeting;   ///< Targeting flags
  uint32_t serial;      ///< SOA serial
  uint16_t label_depth; ///< longest owner name of the zone in labels: a limit for signers; informative
  uint16_t key_set;     ///< reserved for signing: 0
};

/// A name that exists. Empty non-terminals are nodes without types. `*` is a wildcard (RFC 4592), and NS below the apex
/// a zone cut (RFC 1034 4.2.1), below which are addresses of its name servers only.
struct ImageNode {
  BlobRange name; ///< absolute, wire format, lower case, root label included
  uint32_t first_type;
  uint16_t type_count;
  uint16_t flags; ///< reserved: 0
};

/// Most bytes that the records of one answer may take: names and headers of a 64 KiB message fit beside them.
inline constexpr size_t answer_bytes_max = 60000;
/// Most bytes that all records of an image may take in answers, those that share RDATA counted each.
inline constexpr size_t records_bytes_max = size_t{1} << 30;
/// Most bytes that the NS records of a delegation may take, so that glue can point at the names in them.
inline constexpr size_t delegation_bytes_max = 8192;
/// Longest chain of alias selectors.
inline constexpr unsigned alias_depth_max = 16;

/// What a node answers a query type with. Sorted by type within a node.
struct ImageNodeType {
  uint16_t type; ///< RR type, host order; 0 answers every type that is not listed (a CNAME somewhere)
  uint16_t reserved;
  uint32_t selector;
};

/// The answers for one (name, type) by where the client is: entries sorted by target, at least one.
struct ImageSelector {
  uint32_t first_entry; ///< behind those of the selector before; so do types follow each other, records and nodes
  uint32_t entry_count;
};

/// The targets of a client are tried finest first, "@" last; the first entry that yields an RRset wins.
struct ImageEntry {
  uint32_t target;
  uint32_t
      is_alias; ///< 0: `index` is an RRset. 1: a selector with a smaller index, tried with the same client's targets
  uint32_t index;
};

/// A target's text: "@", "us", "us-ca", "as15169", "north-america", "192.0.2.0/24" (as geo::to_text() has it). Sorted
/// by bytes, distinct.
struct ImageTarget {
  BlobRange text;
};

enum class AnswerKind : uint16_t {
  all,
  draw,           ///< K of N by weight
  signed_subsets, ///< reserved
  location,       ///< one TXT record, written for each client: where it is taken to be. No records in the image
};

struct ImageRRset {
  uint16_t type; ///< RR type, host order
  uint16_t kind; ///< AnswerKind
  uint32_t ttl;  ///< seconds, <= 2^31 - 1 (RFC 2181 8)
  uint32_t first_record;
  uint32_t record_count; ///< 1..65535; 0 when kind is location
  uint32_t
      max_records;     ///< K: most records in an answer. all: record_count; draw: 1..min(record_count, 32); location: 1
  uint32_t signatures; ///< reserved for RRSIG slots: 0
};

/// One record's RDATA in wire format, names uncompressed. For A and AAAA distinct within an RRset.
struct ImageRecord {
  BlobRange rdata;
  uint32_t weight; ///< >= 1 when drawn; 0 otherwise
};

/// A validated image: a view of bytes that the caller keeps alive, unchanged and 8-byte aligned. Any thread.
class ZoneImage {
 public:
  /// Checks everything once; afterwards no offset or index in it needs another check.
  static Result<ZoneImage> validate(std::span<const std::byte> bytes);

  const ZoneHeader& header() const { return *header_; }
  std::span<const std::byte> bytes() const { return bytes_; }
  std::span<const uint8_t> blob() const { return section<uint8_t>(Section::blob); }
  std::span<const ImageZone> zones() const { return section<ImageZone>(Section::zones); }
  std::span<const ImageNode> nodes() const { return section<ImageNode>(Section::nodes); }
  std::span<const ImageNodeType> node_types() const { return section<ImageNodeType>(Section::node_types); }
  std::span<const ImageSelector> selectors() const { return section<ImageSelector>(Section::selectors); }
  std::span<const ImageEntry> entries() const { return section<ImageEntry>(Section::entries); }
  std::span<const ImageTarget> targets() const { return section<ImageTarget>(Section::targets); }
  std::span<const ImageRRset> rrsets() const { return section<ImageRRset>(Section::rrsets); }
  std::span<const ImageRecord> records() const { return section<ImageRecord>(Section::records); }

  std::span<const uint8_t> bytes_of(BlobRange range) const { return blob().subspan(range.offset, range.length); }
  std::string_view text_of(BlobRange range) const;

 private:
  friend class ZoneValidator;
  ZoneImage() = default;
  template <class T> std::span<const T> section(Section which) const {
    const SectionPlace& place = header_->sections[static_cast<size_t>(which)];
    return {reinterpret_cast<const T*>(bytes_.data() + place.offset), static_cast<size_t>(place.count)};
  }

  std::span<const std::byte> bytes_;
  const ZoneHeader* header_ = nullptr;
};

/// SHA-256 over an image (or any bytes) with [16, 48) taken as zero: where ZoneHeader and geo::Map keep their digest.
std::array<uint8_t, 32> image_digest(std::span<const std::byte> bytes);

} // namespace anytick::core
