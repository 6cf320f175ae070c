#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/core/draw.h"
#include "dataplane/core/name_table.h"
#include "dataplane/core/overlay.h"
#include "dataplane/core/targeting.h"
#include "dataplane/core/zone_image.h"
#include "geo/map.h"

namespace anytick::core {

/// Which RRset answers: none, always the same one, or the one that the client's class has in a row.
class AnswerRef {
 public:
  static constexpr uint32_t none_index = 0x7fffffff;
  static constexpr uint32_t rows_max = 1u << 26;  ///< cells of all rows
  static constexpr uint32_t groups_max = 1u << 5; ///< in a zone: one for each combination of kinds of targets

  AnswerRef() = default;
  static AnswerRef rrset(uint32_t index) { return AnswerRef(index); }
  /// Preconditions: first < rows_max, group < groups_max.
  static AnswerRef row(uint32_t group, uint32_t first) { return AnswerRef(row_flag | group << 26 | first); }

  bool is_row() const { return (word_ & row_flag) != 0; }
  bool is_none() const { return word_ == none_index; }
  uint32_t index() const { return word_; } ///< of the RRset, where it is no row
  uint32_t first() const { return word_ & (rows_max - 1); }
  uint32_t group() const { return word_ >> 26 & (groups_max - 1); }

 private:
  static constexpr uint32_t row_flag = 0x80000000;
  explicit AnswerRef(uint32_t word) : word_(word) {}
  uint32_t word_ = none_index;
};

/// An RRset made ready to be written. Records stand in wire format from their type field on: what varies is the owner.
struct ReadySet {
  uint16_t type;
  AnswerKind kind;
  uint32_t ttl; ///< seconds
  uint32_t max_records;
  uint32_t answer_bytes; ///< most that an answer takes, owners compressed
  uint32_t first_record; ///< into record_place()
  DrawView draw;         ///< AnswerKind::draw only; values are A addresses in wire order, or record indices
};

/// Where a record's wire bytes stand.
struct RecordPlace {
  uint32_t offset;
  uint32_t length; ///< type, class, TTL, RDLENGTH and RDATA
};

/// An address of a name server, to go with a referral.
struct Glue {
  uint32_t server; ///< the record of the NS RRset that names it
  uint32_t place;  ///< of the address record
};

/// A zone cut: what lies at or below it is someone else's (RFC 1034 4.2.1).
struct Referral {
  uint32_t node;       ///< of the cut
  uint32_t servers;    ///< NS RRset
  uint32_t first_glue; ///< sorted by server
  uint32_t glue_count;
  uint32_t bytes;      ///< of authority and additional section
  uint8_t name_length; ///< wire bytes of the cut's name
};

/// A node made ready: the types that nearly everybody asks for stand in it.
struct ReadyNode {
  static constexpr uint32_t none = UINT32_MAX;

  AnswerRef a;
  AnswerRef aaaa;
  AnswerRef other; ///< answers types that are not listed: a CNAME, or none
  uint32_t first_type;
  uint16_t type_count;
  uint16_t zone;
  uint32_t wildcard = none; ///< node of `*` below this name
  uint32_t cut = none;      ///< referral that covers this name
};

struct ReadyType {
  uint16_t type;
  AnswerRef answer;
};

/// A place's class in a group, and for how wide a prefix around an address there this holds.
struct PlaceClass {
  uint32_t scope_class; ///< scope << 24 | class; with targets by address: | row of the group's overlay_classes

  uint32_t number() const { return scope_class & 0xffffff; }
  uint8_t scope() const { return static_cast<uint8_t>(scope_class >> 24); }
};

/// Rows of a zone that tell clients apart by the same kinds of targets: a client has one class in each group.
struct ReadyGroup {
  const PlaceClass* classes;       ///< by place of the map
  const Overlay* overlay;          ///< null if the group's rows target no addresses
  const uint32_t* overlay_classes; ///< by overlay entry and the place's number: the class
  uint32_t place_numbers;          ///< row length of overlay_classes
  TargetKinds kinds;
};

struct ReadyZone {
  uint32_t soa;           ///< RRset
  uint32_t negative_ttl;  ///< min(SOA TTL, MINIMUM) (RFC 2308 3), seconds
  uint32_t first_group;   ///< of those that its rows name
  uint8_t apex_length;    ///< wire bytes of the apex name
  const Overlay* overlay; ///< of all addresses that the zone targets; null if there are none
};

/// What an address is in a group.
struct ClientClass {
  uint32_t number;
  uint8_t scope;
};

/// What answering needs beside the image, built from it and a geo map at load: the name hash, draw tables,
/// and for each place of the map its class. Immutable, any thread; the image and the map must outlive it.
class Join {
 public:
  /// `map` may be null: then nobody is anywhere, and "@" answers. Allocates; refuses what does not fit its bounds.
  static Result<std::unique_ptr<const Join>> build(const ZoneImage& image, const geo::Map* map);

  Join(const Join&) = delete;
  Join& operator=(const Join&) = delete;

  /// No two joins of a process have the same, even if one takes the memory of the other; never 0.
  uint64_t id() const { return id_; }
  const NameTable& names() const { return names_; }
  const ReadyNode& node(uint32_t index) const { return nodes_[index]; }
  const ReadyZone& zone(uint32_t index) const { return zones_[index]; }
  const ReadySet& set(uint32_t index) const { return sets_[index]; }
  uint32_t index_of(const ReadySet& set) const { return static_cast<uint32_t>(&set - sets_.data()); }
  /// The group of a row of the zone.
  const ReadyGroup& group(const ReadyZone& zone, AnswerRef row) const {
    return groups_[zone.first_group + row.group()];
  }
  /// The class of an address at a place.
  static ClientClass class_of(const ReadyGroup& group, uint32_t place, const geo::Address& address) {
    const PlaceClass& here = group.classes[place];
    if (group.overlay == nullptr) return {here.number(), here.scope()};
    const Overlay::Match match = group.overlay->find(address);
    return {group.overlay_classes[match.entry * group.place_numbers + here.number()],
            std::max(here.scope(), match.length)};
  }
  /// RRset of a class of the row's group, or AnswerRef::none_index.
  uint32_t in_row(AnswerRef row, uint32_t class_number) const { return rows_[row.first() + class_number]; }
  /// What the node answers `type` with; none is NODATA.
  AnswerRef answer_for(const ReadyNode& node, uint16_t type) const;

  std::span<const uint8_t> record(const ReadySet& set, uint32_t index) const {
    return record_at(set.first_record + index);
  }
  std::span<const uint8_t> record(const Glue& glue) const { return record_at(glue.place); }

  /// The referral that answers for a node, or for what lies below it; ReadyNode::none for what is ours to answer. The
  /// DS of a cut is ours (RFC 4035 3.1.4.1).
  uint32_t cut_above(uint32_t node, bool exact, uint16_t type) const {
    const uint32_t cut = nodes_[node].cut;
    if (cut == ReadyNode::none || (exact && type == dns::DS && referrals_[cut].node == node)) return ReadyNode::none;
    return cut;
  }
  const Referral& referral(uint32_t index) const { return referrals_[index]; }
  std::span<const Glue> glue(const Referral& referral) const {
    return std::span(glue_).subspan(referral.first_glue, referral.glue_count);
  }
  /// Bytes that the join itself takes.
  size_t memory_bytes() const;
  /// Classes of all groups of zone `index`; 0 if nothing in it depends on the client.
  uint32_t class_count(uint32_t index) const { return class_counts_[index]; }

 private:
  friend class JoinBuilder;
  explicit Join(const ZoneImage& image);

  std::span<const uint8_t> record_at(uint32_t place) const {
    return {wire_.data() + places_[place].offset, places_[place].length};
  }

  const uint64_t id_;
  NameTable names_;
  std::vector<ReadyNode> nodes_;
  std::vector<Referral> referrals_;
  std::vector<Glue> glue_;
  std::vector<ReadyType> types_;
  std::vector<ReadyZone> zones_;
  std::vector<ReadySet> sets_;
  std::vector<uint32_t> rows_;
  std::vector<ReadyGroup> groups_;
  std::vector<std::vector<PlaceClass>> place_classes_;   ///< of groups
  std::vector<std::unique_ptr<const Overlay>> overlays_; ///< of zones that target addresses
  std::vector<std::vector<uint32_t>> overlay_classes_;   ///< of groups with targets by address
  std::vector<uint32_t> class_counts_;
  std::vector<RecordPlace> places_;
  std::vector<uint8_t> wire_;
  std::vector<DrawSlot> slots_;
  std::vector<uint64_t> before_;
};

} // namespace anytick::core
