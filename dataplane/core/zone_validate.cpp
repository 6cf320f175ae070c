#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "dataplane/core/draw.h"
#include "dataplane/core/names.h"
#include "dataplane/core/rdata.h"
#include "dataplane/core/zone_image.h"
#include "geo/prefix.h"

namespace anytick::core {

using Fault = std::optional<Refusal>;

/// Checks in the order of dependence: each step may rely on what the ones before it found good.
class ZoneValidator {
 public:
  static Result<ZoneImage> run(std::span<const std::byte> bytes) {
    ZoneValidator validator(bytes);
    for (const auto step : {&ZoneValidator::header, &ZoneValidator::sections, &ZoneValidator::digest,
                            &ZoneValidator::targets, &ZoneValidator::records, &ZoneValidator::rrsets,
                            &ZoneValidator::selectors, &ZoneValidator::nodes, &ZoneValidator::zones}) {
      if (Fault fault = (validator.*step)()) return *std::move(fault);
    }
    return validator.image_;
  }

 private:
  explicit ZoneValidator(std::span<const std::byte> bytes) { image_.bytes_ = bytes; }

  static Refusal bad_at(const char* what, uint64_t offset, std::string reason) {
    return {std::string("zone image: ") + what, "offset " + std::to_string(offset), std::move(reason)};
  }
  template <class T> Refusal bad(const char* what, const T& element, std::string reason) const {
    const auto* at = reinterpret_cast<const std::byte*>(&element);
    return bad_at(what, static_cast<uint64_t>(at - image_.bytes_.data()), std::move(reason));
  }
  bool in_blob(BlobRange range) const {
    return range.offset <= image_.blob().size() && range.length <= image_.blob().size() - range.offset;
  }
  /// Whether elements follow those of the owner before, and are there: each has one owner, so that an image costs what
  /// it has bytes. `next` moves behind them.
  static bool take(uint32_t first, uint32_t count, size_t size, uint32_t& next) {
    if (first != next || count > size - next) return false;
    next += count;
    return true;
  }

  /// Nothing of the section is behind `next`.
  Fault all_owned(Section which, uint32_t next) const {
    const SectionPlace& place = image_.header_->sections[static_cast<size_t>(which)];
    if (next == place.count) return {};
    return bad_at("section table", place.offset,
                  "section " + std::to_string(static_cast<int>(which)) + " has elements that nothing uses");
  }

  Fault header();
  Fault sections();
  Fault digest();
  Fault targets();
  Fault records();
  Fault rrsets();
  Fault rrset(const ImageRRset& rrset);
  Fault rrset_records(const ImageRRset& rrset);
  Fault selectors();
  Fault selector(const ImageSelector& selector, uint32_t index);
  Fault nodes();
  Fault node_types(const ImageNode& node);
  Fault zones();
  Fault zone(const ImageZone& zone);
  Fault zone_names(const ImageZone& zone);
  const char* delegation_fault(const FoldedName& name, std::span<const ImageNodeType> types) const;

  /// What a selector can yield: the one type of its RRsets other than CNAME (0: none), and how deep its aliases go.
  struct Yield {
    uint16_t type = 0;
    unsigned depth = 0;
  };

  ZoneImage image_;
  std::vector<Yield> yields_;
  uint32_t next_record_ = 0, next_entry_ = 0, next_type_ = 0;
};

Fault ZoneValidator::header() {
  const auto bytes = image_.bytes_;
  if (reinterpret_cast<uintptr_t>(bytes.data()) % 8 != 0) return bad_at("header", 0, "memory is not 8-byte aligned");
  if (bytes.size() < sizeof(ZoneHeader))
    return bad_at("header", bytes.size(), "cut off: " + std::to_string(sizeof(ZoneHeader)) + " bytes are needed");
  const auto* header = reinterpret_cast<const ZoneHeader*>(bytes.data());
  if (header->magic != zone_magic) return bad_at("header", 0, "not a zone image");
  if (header->format != zone_format_version)
    return bad_at("header", offsetof(ZoneHeader, format),
                  "format version " + std::to_string(header->format) + ", this program reads " +
                      std::to_string(zone_format_version));
  if (header->header_bytes != sizeof(ZoneHeader))
    return bad_at("header", offsetof(ZoneHeader, header_bytes), "wrong size");
  if (header->total_bytes != bytes.size())
    return bad_at("header", offsetof(ZoneHeader, total_bytes),
                  "states " + std::to_string(header->total_bytes) + " bytes, there are " +
                      std::to_string(bytes.size()));
  if (header->reserved != 0) return bad_at("header", offsetof(ZoneHeader, reserved), "reserved field is not zero");
  image_.header_ = header;
  return {};
}

Fault ZoneValidator::sections() {
  static constexpr std::array<uint64_t, section_count> sizes{
      1,
      sizeof(ImageZone),
      sizeof(ImageNode),
      sizeof(ImageNodeType),
      sizeof(ImageSelector),
      sizeof(ImageEntry),
      sizeof(ImageTarget),
      sizeof(ImageRRset),
      sizeof(ImageRecord),
  };
  const uint64_t total = image_.bytes_.size();
  uint64_t end = sizeof(ZoneHeader);
  for (size_t i = 0; i < section_count; ++i) {
    const SectionPlace& place = image_.header_->sections[i];
    const uint64_t field = offsetof(ZoneHeader, sections) + i * sizeof(SectionPlace);
    const uint64_t expected = (end + 7) & ~uint64_t{7};
    if (place.offset != expected || place.offset > total)
      return bad_at("section table", field, "section " + std::to_string(i) + " does not follow the one before it");
    if (place.count > (total - place.offset) / sizes[i] || place.count > UINT32_MAX)
      return bad_at("section table", field, "section " + std::to_string(i) + " ends outside the image");
    for (uint64_t gap = end; gap < expected; ++gap)
      if (image_.bytes_[gap] != std::byte{0}) return bad_at("section table", gap, "gap is not zero");
    end = place.offset + place.count * sizes[i];
  }
  if (end != total) return bad_at("section table", end, "bytes after the last section");
  return {};
}

Fault ZoneValidator::digest() {
  if (image_digest(image_.bytes_) != image_.header_->digest)
    return bad_at("header", offsetof(ZoneHeader, digest), "digest does not match the contents");
  return {};
}

Fault ZoneValidator::targets() {
  std::string_view previous;
  for (const ImageTarget& target : image_.targets()) {
    if (!in_blob(target.text)) return bad("targets", target, "text outside the blob");
    const std::string_view text = image_.text_of(target.text);
    const auto is_target_character = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || std::strchr("@-.:/", c) != nullptr;
    };
    if (text.empty() || text.size() > 64 || text.find('\0') != text.npos ||
        !std::all_of(text.begin(), text.end(), is_target_character))
      return bad("targets", target, "not a target's text");
    if (text <= previous) return bad("targets", target, "not in order, or twice");
    // One spelling each, so that prefixes are as distinct as their texts.
    if (const auto prefix = geo::parse_prefix(text); prefix && geo::to_text(*prefix) != text)
      return bad("targets", target, "a prefix that is not spelled " + geo::to_text(*prefix));
    previous = text;
  }
  return {};
}

Fault ZoneValidator::records() {
  size_t total = 0;
  for (const ImageRecord& record : image_.records()) {
    if (!in_blob(record.rdata)) return bad("records", record, "RDATA outside the blob");
    if (record.rdata.length > UINT16_MAX) return bad("records", record, "RDATA over 65,535 bytes");
    // RDATA may be shared in the image, but not where answers are made ready.
    total += 12 + record.rdata.length;
    if (total > records_bytes_max) return bad("records", record, "more than 1 GiB of records");
  }
  return {};
}

Fault ZoneValidator::rrsets() {
  for (const ImageRRset& set : image_.rrsets())
    if (Fault fault = rrset(set)) return fault;
  return all_owned(Section::records, next_record_);
}

Fault ZoneValidator::rrset(const ImageRRset& set) {
  const auto refuse = [&](const char* reason) { return bad("RRsets", set, reason); };
  const bool meta = set.type == dns::OPT || (set.type >= 128 && set.type <= 255);
  if (set.type == 0 || meta) return refuse("not a data type");
  if (set.ttl > INT32_MAX) return refuse("TTL over 2^31 - 1");
  if (set.signatures != 0) return refuse("reserved field is not zero");
  if (set.kind == static_cast<uint16_t>(AnswerKind::location)) {
    if (set.type != dns::TXT || set.first_record != 0 || set.record_count != 0 || set.max_records != 1)
      return refuse("a client's location is one TXT record that the image does not have");
    return {};
  }
  if (set.record_count == 0 || set.record_count > draw_candidates_max) return refuse("not 1 to 65,535 records");
  if (!take(set.first_record, set.record_count, image_.records().size(), next_record_))
    return refuse("records do not follow those of the RRset before, or are out of range");
  if (set.kind == static_cast<uint16_t>(AnswerKind::all)) {
    if (set.max_records != set.record_count) return refuse("answers all records, but not as many as it has");
  } else if (set.kind == static_cast<uint16_t>(AnswerKind::draw)) {
    if (set.max_records == 0 || set.max_records > std::min(set.record_count, draw_records_max))
      return refuse("draws no record, or more than it has or 32");
  } else {
    return refuse("unknown kind of answer set");
  }
  if ((set.type == dns::CNAME || set.type == dns::SOA) && set.max_records != 1)
    return refuse("more than one CNAME or SOA in an answer");
  return rrset_records(set);
}

Fault ZoneValidator::rrset_records(const ImageRRset& set) {
  const auto records = image_.records().subspan(set.first_record, set.record_count);
  const bool drawn = set.kind == static_cast<uint16_t>(AnswerKind::draw);
  size_t sum = 0;
  size_t longest = 0;
  std::vector<std::string_view> addresses;
  for (const ImageRecord& record : records) {
    if (drawn != (record.weight > 0)) return bad("records", record, "weight zero if drawn, or set if not");
    if (!rdata_is_well_formed(set.type, image_.bytes_of(record.rdata)))
      return bad("records", record, "RDATA is malformed for type " + std::to_string(set.type));
    if (set.type == dns::A || set.type == dns::AAAA) addresses.push_back(image_.text_of(record.rdata));
    const size_t size = 12 + record.rdata.length;
    sum += size;
    longest = std::max(longest, size);
  }
  std::sort(addresses.begin(), addresses.end());
  if (std::adjacent_find(addresses.begin(), addresses.end()) != addresses.end())
    return bad("RRsets", set, "an address stands in it twice");
  if ((drawn ? longest * set.max_records : sum) > answer_bytes_max)
    return bad("RRsets", set, "an answer could exceed 60,000 bytes");
  return {};
}

Fault ZoneValidator::selectors() {
  yields_.resize(image_.selectors().size());
  uint32_t index = 0;
  for (const ImageSelector& each : image_.selectors())
    if (Fault fault = selector(each, index++)) return fault;
  return all_owned(Section::entries, next_entry_);
}

Fault ZoneValidator::selector(const ImageSelector& selector, uint32_t index) {
  if (selector.entry_count == 0) return bad("selectors", selector, "no entries");
  if (!take(selector.first_entry, selector.entry_count, image_.entries().size(), next_entry_))
    return bad("selectors", selector, "entries do not follow those of the selector before, or are out of range");
  Yield& yield = yields_[index];
  const ImageEntry* previous = nullptr;
  for (const ImageEntry& entry : image_.entries().subspan(selector.first_entry, selector.entry_count)) {
    const auto refuse = [&](const char* reason) { return bad("selector entries", entry, reason); };
    if (entry.target >= image_.targets().size()) return refuse("target out of range");
    if (previous != nullptr && entry.target <= previous->target) return refuse("targets not in order, or twice");
    previous = &entry;
    Yield from;
    if (entry.is_alias == 1) {
      if (entry.index >= index) return refuse("alias does not lead to an earlier selector");
      from = yields_[entry.index];
      if (++from.depth > alias_depth_max) return refuse("chain of aliases is too long");
    } else if (entry.is_alias == 0) {
      if (entry.index >= image_.rrsets().size()) return refuse("RRset out of range");
      const uint16_t type = image_.rrsets()[entry.index].type;
      from.type = type == dns::CNAME ? uint16_t{0} : type;
    } else {
      return refuse("neither an RRset nor an alias");
    }
    if (yield.type != 0 && from.type != 0 && yield.type != from.type) return refuse("mixes RRsets of two types");
    if (from.type != 0) yield.type = from.type;
    yield.depth = std::max(yield.depth, from.depth);
  }
  return {};
}

Fault ZoneValidator::nodes() {
  for (const ImageNode& node : image_.nodes()) {
    FoldedName name;
    if (!in_blob(node.name)) return bad("nodes", node, "name outside the blob");
    const auto wire = image_.bytes_of(node.name);
    if (!read_name(wire, name) || name.length != wire.size() ||
        std::memcmp(name.bytes.data(), wire.data(), wire.size()) != 0)
      return bad("nodes", node, "not a lower-case name in wire format");
    if (node.flags != 0) return bad("nodes", node, "reserved field is not zero");
    if (!take(node.first_type, node.type_count, image_.node_types().size(), next_type_))
      return bad("nodes", node, "types do not follow those of the node before, or are out of range");
    if (Fault fault = node_types(node)) return fault;
  }
  return all_owned(Section::node_types, next_type_);
}

Fault ZoneValidator::node_types(const ImageNode& node) {
  const ImageNodeType* previous = nullptr;
  for (const ImageNodeType& type : image_.node_types().subspan(node.first_type, node.type_count)) {
    const auto refuse = [&](const char* reason) { return bad("node types", type, reason); };
    if (type.reserved != 0) return refuse("reserved field is not zero");
    if (previous != nullptr && type.type <= previous->type) return refuse("not in order, or twice");
    previous = &type;
    if (type.selector >= yields_.size()) return refuse("selector out of range");
    const Yield& yield = yields_[type.selector];
    if (yield.type != 0 && yield.type != type.type) return refuse("selector yields RRsets of another type");
  }
  return {};
}

Fault ZoneValidator::zones() {
  uint32_t next = 0;
  std::optional<FoldedName> previous;
  for (const ImageZone& each : image_.zones()) {
    if (each.node_count == 0 || !take(each.first_node, each.node_count, image_.nodes().size(), next))
      return bad("zones", each, "nodes do not follow those of the zone before, or are out of range");
    FoldedName apex;
    read_name(image_.bytes_of(image_.nodes()[each.first_node].name), apex);
    if (previous && compare_names(*previous, apex) >= 0) return bad("zones", each, "not in canonical order, or twice");
    if (previous && apex.labels > previous->labels) {
      FoldedName above;
      read_name(apex.suffix(apex.labels - previous->labels), above);
      if (compare_names(above, *previous) == 0) return bad("zones", each, "lies inside another zone");
    }
    previous = apex;
    if (Fault fault = zone(each)) return fault;
  }
  return all_owned(Section::nodes, next);
}

Fault ZoneValidator::zone(const ImageZone& zone) {
  const auto refuse = [&](const char* reason) { return bad("zones", zone, reason); };
  if (zone.targeting >= 2 * target_ip) return refuse("unknown targeting flag");
  if (zone.key_set != 0) return refuse("reserved field is not zero");
  if (zone.soa >= image_.rrsets().size() || image_.rrsets()[zone.soa].type != dns::SOA) return refuse("SOA is none");
  return zone_names(zone);
}

/// Name servers below the apex make a zone cut: for everybody, and where glue can be pointed to.
const char* ZoneValidator::delegation_fault(const FoldedName& name, std::span<const ImageNodeType> types) const {
  const auto servers = std::ranges::find(types, uint16_t{dns::NS}, &ImageNodeType::type);
  if (servers == types.end()) return nullptr;
  if (name.bytes[0] == 1 && name.bytes[1] == '*') return "a wildcard is delegated";
  const ImageSelector& selector = image_.selectors()[servers->selector];
  const ImageEntry& entry = image_.entries()[selector.first_entry];
  if (selector.entry_count != 1 || entry.is_alias != 0 || image_.text_of(image_.targets()[entry.target].text) != "@")
    return "a delegation depends on the client";
  const ImageRRset& set = image_.rrsets()[entry.index];
  if (set.type != dns::NS || set.kind != static_cast<uint16_t>(AnswerKind::all))
    return "a delegation is not all of an NS RRset";
  size_t bytes = 0;
  for (const ImageRecord& record : image_.records().subspan(set.first_record, set.record_count))
    bytes += 12 + record.rdata.length;
  return bytes > delegation_bytes_max ? "a delegation has more than 8,192 bytes of name servers" : nullptr;
}

Fault ZoneValidator::zone_names(const ImageZone& zone) {
  const auto nodes = image_.nodes().subspan(zone.first_node, zone.node_count);
  FoldedName apex;
  FoldedName previous;
  FoldedName name;
  unsigned deepest = 0;
  read_name(image_.bytes_of(nodes[0].name), apex);
  for (const ImageNode& node : nodes) {
    const auto refuse = [&](const char* reason) { return bad("nodes", node, reason); };
    read_name(image_.bytes_of(node.name), name);
    deepest = std::max(deepest, unsigned{name.labels});
    const bool is_apex = &node == &nodes[0];
    const auto types = image_.node_types().subspan(node.first_type, node.type_count);
    const bool has_soa = std::any_of(types.begin(), types.end(), [](const auto& t) { return t.type == dns::SOA; });
    if (has_soa != is_apex) return refuse(is_apex ? "apex without SOA" : "SOA below the apex");
    if (!is_apex)
      if (const char* reason = delegation_fault(name, types)) return refuse(reason);
    if (!is_apex) {
      // In canonical order a name's parent is a suffix of the name before it: its whole, or one of its ancestors.
      if (compare_names(previous, name) >= 0) return refuse("not in canonical order, or twice");
      FoldedName parent;
      read_name(name.suffix(1), parent);
      if (parent.labels < apex.labels || previous.labels < parent.labels) return refuse("its parent does not exist");
      FoldedName above;
      read_name(previous.suffix(previous.labels - parent.labels), above);
      if (compare_names(above, parent) != 0) return refuse("its parent does not exist");
    }
    previous = name;
  }
  if (deepest != zone.label_depth) return bad("zones", zone, "label depth is wrong");
  return {};
}

Result<ZoneImage> ZoneImage::validate(std::span<const std::byte> bytes) {
  return ZoneValidator::run(bytes);
}

} // namespace anytick::core
