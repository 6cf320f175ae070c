#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "tests/packets/world.h"

namespace anytick::core {
namespace {

/// Bytes at 8-byte alignment.
struct Image {
  explicit Image(std::span<const std::byte> from) : words((from.size() + 7) / 8 + 1), size(from.size()) {
    std::memcpy(words.data(), from.data(), from.size());
  }
  std::byte* data() { return reinterpret_cast<std::byte*>(words.data()); }
  std::span<std::byte> bytes() { return {data(), size}; }
  ZoneHeader& header() { return *reinterpret_cast<ZoneHeader*>(data()); }
  void seal() { header().digest = image_digest(bytes()); }
  template <class T> T& element(Section section, size_t index) {
    return reinterpret_cast<T*>(data() + header().sections[static_cast<size_t>(section)].offset)[index];
  }
  ImageNode& node(std::string_view name) {
    const char* blob = reinterpret_cast<const char*>(data() + header().sections[0].offset);
    for (size_t i = 0;; ++i)
      if (ImageNode& each = element<ImageNode>(Section::nodes, i);
          std::string_view(blob + each.name.offset, each.name.length - 1) == name)
        return each;
  }

  std::vector<uint64_t> words;
  size_t size;
};

Image good() {
  return Image(test::World::of_cases().image().bytes());
}

struct Damage {
  const char* name;
  void (*apply)(Image&);
  const char* refusal; ///< part of its text
};

ImageRRset& location_set(Image& image) {
  for (size_t i = 0;; ++i) {
    auto& set = image.element<ImageRRset>(Section::rrsets, i);
    if (set.kind == static_cast<uint16_t>(AnswerKind::location)) return set;
  }
}

// Every one of them has a right digest.
const Damage damages[] = {
    {"Magic", [](Image& i) { i.header().magic[0] = 'x'; }, "not a zone image"},
    {"Format", [](Image& i) { i.header().format = 99; }, "format version 99, this program reads 1"},
    {"HeaderSize", [](Image& i) { i.header().header_bytes += 8; }, "wrong size"},
    {"TotalBytes", [](Image& i) { i.header().total_bytes += 1; }, "bytes, there are"},
    {"Reserved", [](Image& i) { i.header().reserved = 1; }, "reserved field"},
    {"SectionOffset", [](Image& i) { i.header().sections[3].offset += 8; }, "section 3 does not follow"},
    {"SectionCount", [](Image& i) { i.header().sections[8].count = UINT64_MAX / 4; }, "section 8 ends outside"},
    {"SectionShort", [](Image& i) { i.header().sections[8].count -= 1; }, "bytes after the last section"},
    {"TargetRange", [](Image& i) { i.element<ImageTarget>(Section::targets, 0).text.length = UINT32_MAX; },
     "targets at offset"},
    {"TargetOrder",
     [](Image& i) {
       std::swap(i.element<ImageTarget>(Section::targets, 0), i.element<ImageTarget>(Section::targets, 1));
     },
     "not in order"},
    {"RecordRange", [](Image& i) { i.element<ImageRecord>(Section::records, 0).rdata.offset = UINT32_MAX; },
     "RDATA outside the blob"},
    {"RdataLength", [](Image& i) { i.element<ImageRecord>(Section::records, 0).rdata.length += 1; },
     "records at offset"},
    {"RRsetType", [](Image& i) { i.element<ImageRRset>(Section::rrsets, 0).type = 255; }, "not a data type"},
    {"RRsetTtl", [](Image& i) { i.element<ImageRRset>(Section::rrsets, 0).ttl = 0x80000000; }, "TTL over"},
    {"RRsetKind", [](Image& i) { i.element<ImageRRset>(Section::rrsets, 0).kind = 2; }, "unknown kind"},
    {"RRsetEmpty", [](Image& i) { i.element<ImageRRset>(Section::rrsets, 0).record_count = 0; }, "not 1 to 65,535"},
    {"RRsetRange", [](Image& i) { i.element<ImageRRset>(Section::rrsets, 0).first_record = 60000; }, "out of range"},
    {"RRsetShares", [](Image& i) { i.element<ImageRRset>(Section::rrsets, 1).first_record = 0; },
     "records do not follow"},
    {"RecordsUnused",
     [](Image& i) {
       auto& last = i.element<ImageRRset>(Section::rrsets, i.header().sections[7].count - 1);
       last.type = dns::TXT;
       last.kind = static_cast<uint16_t>(AnswerKind::location);
       last.first_record = last.record_count = 0;
       last.max_records = 1;
     },
     "section 8 has elements that nothing uses"},
    {"RRsetDraws", [](Image& i) { i.element<ImageRRset>(Section::rrsets, 0).max_records = 0; }, "RRsets at offset"},
    {"RRsetSignatures", [](Image& i) { i.element<ImageRRset>(Section::rrsets, 0).signatures = 1; }, "reserved field"},
    {"LocationType", [](Image& i) { location_set(i).type = dns::A; }, "one TXT record"},
    {"LocationRecords", [](Image& i) { location_set(i).record_count = 1; }, "one TXT record"},
    {"LocationMany", [](Image& i) { location_set(i).max_records = 2; }, "one TXT record"},
    {"SelectorEmpty", [](Image& i) { i.element<ImageSelector>(Section::selectors, 0).entry_count = 0; }, "no entries"},
    {"SelectorRange", [](Image& i) { i.element<ImageSelector>(Section::selectors, 0).first_entry = 1 << 30; },
     "out of range"},
    {"SelectorShares", [](Image& i) { i.element<ImageSelector>(Section::selectors, 1).first_entry = 0; },
     "entries do not follow"},
    {"EntryTarget", [](Image& i) { i.element<ImageEntry>(Section::entries, 0).target = 1 << 20; },
     "target out of range"},
    {"EntryKind", [](Image& i) { i.element<ImageEntry>(Section::entries, 0).is_alias = 2; }, "neither an RRset"},
    {"EntryIndex", [](Image& i) { i.element<ImageEntry>(Section::entries, 0).index = 1 << 20; }, "out of range"},
    {"AliasForward",
     [](Image& i) {
       i.element<ImageEntry>(Section::entries, 0).is_alias = 1;
       i.element<ImageEntry>(Section::entries, 0).index = 0;
     },
     "does not lead to an earlier selector"},
    {"NodeName", [](Image& i) { i.element<ImageNode>(Section::nodes, 1).name.length -= 1; }, "not a lower-case name"},
    {"NodeTypes", [](Image& i) { i.element<ImageNode>(Section::nodes, 0).first_type = 1 << 20; },
     "types do not follow"},
    {"NodeFlags", [](Image& i) { i.element<ImageNode>(Section::nodes, 0).flags = 1; }, "reserved field"},
    {"NodeOrder",
     [](Image& i) {
       std::swap(i.element<ImageNode>(Section::nodes, 1).name, i.element<ImageNode>(Section::nodes, 2).name);
     },
     "not in canonical order"},
    {"NodeTypesShared",
     [](Image& i) { i.node("\1*\4wild\4test\7example").first_type = i.node("\5child\4test\7example").first_type; },
     "types do not follow"},
    {"NodeTypeSelector", [](Image& i) { i.element<ImageNodeType>(Section::node_types, 0).selector = 1 << 20; },
     "selector out of range"},
    {"DelegatedWildcard",
     [](Image& i) {
       const ImageNode& cut = i.node("\5child\4test\7example");
       const ImageNode& wildcard = i.node("\1*\4wild\4test\7example");
       i.element<ImageNodeType>(Section::node_types, wildcard.first_type + wildcard.type_count - 1u) =
           i.element<ImageNodeType>(Section::node_types, cut.first_type);
     },
     "a wildcard is delegated"},
    {"DelegationByTarget",
     [](Image& i) {
       const ImageNode& cut = i.node("\5child\4test\7example");
       const auto& type = i.element<ImageNodeType>(Section::node_types, cut.first_type);
       const auto& selector = i.element<ImageSelector>(Section::selectors, type.selector);
       i.element<ImageEntry>(Section::entries, selector.first_entry).target += 1;
     },
     "depends on the client"},
    {"ZoneNodes", [](Image& i) { i.element<ImageZone>(Section::zones, 0).node_count -= 1; },
     "section 2 has elements that nothing uses"},
    {"ZoneSoa", [](Image& i) { i.element<ImageZone>(Section::zones, 0).soa = 1 << 20; }, "SOA is none"},
    {"ZoneTargeting", [](Image& i) { i.element<ImageZone>(Section::zones, 0).targeting = 1 << 10; },
     "unknown targeting"},
    {"ZoneDepth", [](Image& i) { i.element<ImageZone>(Section::zones, 0).label_depth += 1; }, "label depth"},
    {"ZoneKeys", [](Image& i) { i.element<ImageZone>(Section::zones, 0).key_set = 1; }, "reserved field"},
};

class DamagedImage : public testing::TestWithParam<Damage> {};

TEST_P(DamagedImage, IsRefusedForItsReason) {
  Image image = good();
  GetParam().apply(image);
  image.seal();
  const auto result = ZoneImage::validate(image.bytes());
  ASSERT_FALSE(result);
  EXPECT_NE(result.refusal().text().find(GetParam().refusal), std::string::npos) << result.refusal().text();
  EXPECT_NE(result.refusal().text().find("offset"), std::string::npos) << result.refusal().text();
}

INSTANTIATE_TEST_SUITE_P(Image, DamagedImage, testing::ValuesIn(damages), [](const auto& i) { return i.param.name; });

TEST(Image, DigestIsChecked) {
  Image image = good();
  image.bytes().back() ^= std::byte{1};
  const auto result = ZoneImage::validate(image.bytes());
  ASSERT_FALSE(result);
  EXPECT_NE(result.refusal().text().find("digest"), std::string::npos);
}

TEST(Image, EveryTruncationIsRefused) {
  Image image = good();
  for (size_t size = 0; size < image.size; ++size) {
    Image cut(image.bytes().first(size));
    EXPECT_FALSE(ZoneImage::validate(cut.bytes())) << size;
  }
}

} // namespace
} // namespace anytick::core
