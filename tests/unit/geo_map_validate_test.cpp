#include <gtest/gtest.h>

#include <cstring>
#include <functional>

#include "geo/map.h"
#include "geo/map_builder.h"
#include "tests/unit/geo_layers.h"
#include "tests/unit/mutant.h"
#include "tests/unit/table_forms.h"

namespace anytick::geo {
namespace {

using namespace test;

/// Bytes of a map to be damaged. Elements are reached by their section.
class Bytes {
 public:
  explicit Bytes(std::span<const Layer> layers) : bytes_(*build_map(layers, 0)) {}

  MapHeader& header() { return *reinterpret_cast<MapHeader*>(bytes_.data()); }
  template <class T> std::span<T> section(MapSection which) {
    const MapSectionPlace& place = header().sections[static_cast<size_t>(which)];
    return {reinterpret_cast<T*>(bytes_.data() + place.offset), static_cast<size_t>(place.count)};
  }
  std::vector<std::byte>& all() { return bytes_; }
  void seal() {
    const std::array<uint8_t, 32> digest = map_digest(bytes_);
    header().digest = digest;
  }

 private:
  std::vector<std::byte> bytes_;
};

// Four locations; IPv4 and IPv6 down to the last level; a leaf section that needs padding.
const char* const sample = "10.0.0.0/8 us-ca 1\n"
                           "10.1.0.0/16 de 2\n"
                           "10.1.2.3/32 us-ny 3\n"
                           "2001:db8::/32 de 4\n"
                           "2001:db8::1/128 us 5";

struct DamageCase {
  const char* description;
  std::function<void(Bytes&)> damage;
  const char* refusal; ///< of the damaged map with a right digest
};

void PrintTo(const DamageCase& test, std::ostream* out) {
  *out << test.description;
}

class Damaged : public testing::TestWithParam<DamageCase> {};

TEST_P(Damaged, IsRefusedWithTheReason) {
  const Layer layer = layer_of(sample);
  Bytes bytes{{&layer, 1}};
  ASSERT_TRUE(Map::validate(bytes.all()));
  GetParam().damage(bytes);
  if (bytes.all().size() >= sizeof(MapHeader)) bytes.seal();
  const Result<Map> map = Map::validate(bytes.all());
  ASSERT_FALSE(map);
  // The offset depends on the sample; which section and why do not.
  std::string text = map.refusal().text();
  const size_t offset = text.find(" at offset ");
  ASSERT_NE(offset, text.npos) << text;
  text.erase(offset, text.find(':', offset) - offset);
  EXPECT_EQ(text, GetParam().refusal);
}

Location& location(Bytes& bytes, size_t i) {
  return bytes.section<Location>(MapSection::locations)[i];
}
Place& place(Bytes& bytes, size_t i) {
  return bytes.section<Place>(MapSection::places)[i];
}
TrieNode& node(Bytes& bytes, size_t i) {
  return bytes.section<TrieNode>(MapSection::ipv4_nodes)[i];
}
uint32_t& root(Bytes& bytes, size_t i) {
  return bytes.section<uint32_t>(MapSection::ipv4_roots)[i];
}

/// Appends zeros to the file and says so in the header.
void lengthen(Bytes& bytes, size_t count) {
  bytes.all().resize(bytes.all().size() + count);
  bytes.header().total_bytes = bytes.all().size();
}

INSTANTIATE_TEST_SUITE_P(
    Header, Damaged,
    testing::Values(
        DamageCase{"empty", [](Bytes& b) { b.all().clear(); }, "geo map: header: shorter than a header"},
        DamageCase{"short", [](Bytes& b) { b.all().resize(191); }, "geo map: header: shorter than a header"},
        DamageCase{"magic", [](Bytes& b) { b.header().magic[0] = 'A'; }, "geo map: header: no geo map (magic differs)"},
        DamageCase{"format", [](Bytes& b) { b.header().format = 2; },
                   "geo map: header: format 2, but this program reads format 1"},
        DamageCase{"header_bytes", [](Bytes& b) { b.header().header_bytes = 200; },
                   "geo map: header: header of another size"},
        DamageCase{"tail", [](Bytes& b) { lengthen(b, 8); }, "geo map: header: bytes after the last section"},
        DamageCase{"section_offset", [](Bytes& b) { b.header().sections[1].offset += 8; },
                   "geo map: header: places do not begin where they should"},
        DamageCase{"section_count", [](Bytes& b) { b.header().sections[7].count = ~uint64_t{0} / 4; },
                   "geo map: header: ipv6 leaves reach beyond the end"},
        DamageCase{"section_overflow", [](Bytes& b) { b.header().sections[3].count = (~uint64_t{0} / 24) + 1; },
                   "geo map: header: ipv4 nodes reach beyond the end"}),
    [](const auto& test) { return std::string{test.param.description}; });

INSTANTIATE_TEST_SUITE_P(
    Tables, Damaged,
    testing::Values(
        DamageCase{"country", [](Bytes& b) { location(b, 1).country[1] = 'E'; },
                   "geo map: locations: country is not two lower-case letters"},
        DamageCase{"half_a_country", [](Bytes& b) { location(b, 1).country[1] = 0; },
                   "geo map: locations: country is not two lower-case letters"},
        DamageCase{"region", [](Bytes& b) { location(b, 4).region[0] = '-'; },
                   "geo map: locations: region is not one to three lower-case letters or digits of a country"},
        DamageCase{"region_with_a_hole",
                   [](Bytes& b) {
                     location(b, 4).region = {'a', 0, 'b'};
                   },
                   "geo map: locations: region is not one to three lower-case letters or digits of a country"},
        DamageCase{"region_of_nowhere", [](Bytes& b) { location(b, 4).country = {}; },
                   "geo map: locations: region is not one to three lower-case letters or digits of a country"},
        DamageCase{"continent", [](Bytes& b) { location(b, 1).continent = static_cast<Continent>(8); },
                   "geo map: locations: continent does not exist"},
        DamageCase{"padding", [](Bytes& b) { reinterpret_cast<char*>(&location(b, 1))[7] = 1; },
                   "geo map: locations: padding is not zero"},
        DamageCase{"locations_twice", [](Bytes& b) { location(b, 2) = location(b, 1); },
                   "geo map: locations: not sorted or not distinct"},
        DamageCase{"place_without_location", [](Bytes& b) { place(b, 0).location = 6; },
                   "geo map: places: location does not exist"},
        DamageCase{"place_too_long", [](Bytes& b) { place(b, 0).length[0] = 129; },
                   "geo map: places: prefix length above 128"},
        DamageCase{"region_wider_than_country",
                   [](Bytes& b) {
                     place(b, 5).length = {9, 8, 9, 8};
                   },
                   "geo map: places: region is wider than its country"},
        DamageCase{"places_twice", [](Bytes& b) { place(b, 2) = place(b, 1); },
                   "geo map: places: not sorted or not distinct"}),
    [](const auto& test) { return std::string{test.param.description}; });

INSTANTIATE_TEST_SUITE_P(
    Tries, Damaged,
    testing::Values(DamageCase{"root_without_place", [](Bytes& b) { root(b, 0) = entry_is_place | 0x7fffffff; },
                               "geo map: ipv4 roots: place does not exist"},
                    DamageCase{"root_to_a_later_node", [](Bytes& b) { root(b, 0) = 1; },
                               "geo map: ipv4 roots: node does not follow that of the entry before"},
                    DamageCase{"root_forgets_its_node", [](Bytes& b) { root(b, 10u << 10 | 1 << 2) = root(b, 0); },
                               "geo map: ipv4 nodes: node without a parent"},
                    DamageCase{"slot_both", [](Bytes& b) { node(b, 0).leaves |= node(b, 0).children; },
                               "geo map: ipv4 nodes: slot is both child and leaf"},
                    DamageCase{"leaf_before_the_first", [](Bytes& b) { node(b, 0).leaves &= node(b, 0).leaves - 1; },
                               "geo map: ipv4 nodes: leaf slot before the first leaf"},
                    DamageCase{"child_of_itself", [](Bytes& b) { node(b, 0).first_child = 0; },
                               "geo map: ipv4 nodes: children or leaves do not follow those of the node before"},
                    DamageCase{"leaf_elsewhere", [](Bytes& b) { node(b, 1).first_leaf = ~0u; },
                               "geo map: ipv4 nodes: children or leaves do not follow those of the node before"},
                    DamageCase{"too_deep", [](Bytes& b) { node(b, 2).children = uint64_t{1} << 63; },
                               "geo map: ipv4 nodes: deeper than an address"},
                    DamageCase{"child_too_many",
                               [](Bytes& b) { node(b, 1).children |= uint64_t{1} << 63, ++node(b, 2).first_child; },
                               "geo map: ipv4 nodes: children missing"},
                    DamageCase{"leaf_too_many", [](Bytes& b) { node(b, 2).leaves |= uint64_t{1} << 63; },
                               "geo map: ipv4 leaves: leaves missing or left over"},
                    DamageCase{"leaf_without_place",
                               [](Bytes& b) { b.section<uint32_t>(MapSection::ipv6_leaves)[0] = map_limit; },
                               "geo map: ipv6 leaves: place does not exist"},
                    DamageCase{"ipv4_place_too_long",
                               [](Bytes& b) {
                                 b.section<uint32_t>(MapSection::ipv4_leaves)[0] =
                                     b.section<uint32_t>(MapSection::ipv6_leaves).back();
                               },
                               "geo map: ipv4 leaves: place has a prefix longer than an address"}),
    [](const auto& test) { return std::string{test.param.description}; });

TEST(Validate, FindsAnAccident) {
  const Layer layer = layer_of(sample);
  Bytes bytes{{&layer, 1}};
  bytes.header().created = 7;
  EXPECT_EQ(Map::validate(bytes.all()).refusal().text(), "geo map: header at offset 16: digest does not fit the bytes");
}

TEST(Validate, RefusesAMapThatIsNotAligned) {
  const Layer layer = layer_of(sample);
  const std::vector<std::byte> good = *build_map({&layer, 1}, 0);
  std::vector<std::byte> shifted(good.size() + 4);
  std::memcpy(shifted.data() + 4, good.data(), good.size());
  EXPECT_EQ(Map::validate(std::span{shifted}.subspan(4)).refusal().text(),
            "geo map: header at offset 0: not aligned to 8 bytes in memory");
}

TEST(Validate, RefusesEveryTruncation) {
  const Layer layer = layer_of(sample);
  const std::vector<std::byte> good = *build_map({&layer, 1}, 0);
  for (size_t size = 0; size < good.size(); size += 1 + size / 16) {
    const std::vector<std::byte> cut(good.begin(), good.begin() + static_cast<ptrdiff_t>(size));
    EXPECT_FALSE(Map::validate(cut)) << size;
  }
}

void expect_clean_lookups(const Map& map, std::span<const Address> probes, std::mt19937_64& random) {
  const auto expect_clean = [&](const Address& address) {
    const uint32_t found = map.find(address);
    ASSERT_LT(found, map.places().size());
    const Place& at = map.places()[found];
    ASSERT_LT(at.location, map.locations().size());
    for (const uint8_t length : at.length) ASSERT_LE(length, address.width());
  };
  for (const Address& address : probes) expect_clean(address);
  for (int i = 0; i < 500; ++i) expect_clean(random_address(random, i % 2 == 0 ? Family::ipv4 : Family::ipv6));
}

class Mutated : public testing::TestWithParam<uint64_t> {};

/// 100 mutants for each seed; every other one has its digest made right again. mutants_test makes many more.
TEST_P(Mutated, IsRefusedOrSafe) {
  std::mt19937_64 random{GetParam()};
  const std::vector<Layer> layers = random_layers(random);
  std::vector<Address> probes;
  for (const Family family : {Family::ipv4, Family::ipv6})
    for (const Address& edge : boundaries(layers, family)) {
      probes.push_back(edge);
      probes.push_back(predecessor(edge));
    }
  const std::vector<std::byte> good = *build_map(layers, 0);
  const std::vector<std::byte> other = *build_map(random_layers(random), 0);
  anytick::test::Mutant mutant{anytick::test::map_form(), good, other};
  for (int i = 0; i < 100; ++i) {
    const bool is_sealed = i % 2 == 0;
    mutant.make(random, is_sealed);
    SCOPED_TRACE("mutant " + std::to_string(i) + ": " + mutant.history());
    const Result<Map> map = Map::validate(mutant.bytes());
    ASSERT_FALSE(mutant.is_changed() && !is_sealed && map) << "the digest was wrong";
    ASSERT_TRUE(mutant.is_changed() || map) << "nothing was wrong";
    if (map) {
      expect_clean_lookups(*map, probes, random);
    } else {
      EXPECT_FALSE(map.refusal().where.empty() || map.refusal().reason.empty());
    }
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Geo, Mutated, testing::Range<uint64_t>(1, 9),
                         [](const auto& test) { return "seed_" + std::to_string(test.param); });

} // namespace
} // namespace anytick::geo
