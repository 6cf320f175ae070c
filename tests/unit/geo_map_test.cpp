#include "geo/map.h"

#include <gtest/gtest.h>

#include "geo/map_builder.h"
#include "tests/unit/geo_layers.h"

namespace anytick::geo {
namespace {

using namespace test;

/// A compiled map and the bytes that it views.
class Compiled {
 public:
  explicit Compiled(std::span<const Layer> layers) : bytes_(*build_map(layers, 0)), map_(*Map::validate(bytes_)) {}

  const Map& map() const { return map_; }
  const Place& place_of(const Address& address) const { return map_.places()[map_.find(address)]; }
  const Location& location_of(const Address& address) const { return map_.locations()[place_of(address).location]; }

 private:
  std::vector<std::byte> bytes_;
  Map map_;
};

struct PlaceCase {
  const char* description;
  std::vector<const char*> layers;
  const char* address;
  const char* place; ///< country or region, ASN
  std::array<unsigned, level_count> length;
};

void PrintTo(const PlaceCase& test, std::ostream* out) {
  *out << test.address;
}

class PlaceOf : public testing::TestWithParam<PlaceCase> {};

TEST_P(PlaceOf, LocationAndWidestPrefixes) {
  std::vector<Layer> layers;
  for (const char* lines : GetParam().layers) layers.push_back(layer_of(lines));
  const Compiled compiled{layers};
  const Address address = *parse_address(GetParam().address);
  const Location& location = compiled.location_of(address);
  const std::string text = location.region_text().empty() ? location.country_text() : location.region_text();
  EXPECT_EQ(text + " " + std::to_string(location.asn), GetParam().place);
  const auto& length = compiled.place_of(address).length;
  EXPECT_EQ((std::array<unsigned, level_count>{length[0], length[1], length[2], length[3]}), GetParam().length);
}

// Lengths: ASN, region, country, continent.
INSTANTIATE_TEST_SUITE_P(
    Geo, PlaceOf,
    testing::Values(
        PlaceCase{"nobody_knows", {}, "192.0.2.1", " 0", {0, 0, 0, 0}},
        PlaceCase{"nobody_knows_ipv6", {}, "2001:db8::1", " 0", {0, 0, 0, 0}},
        PlaceCase{"everywhere", {"0.0.0.0/0 us 1"}, "192.0.2.1", "us 1", {0, 0, 0, 0}},
        PlaceCase{"inside", {"10.0.0.0/8 us"}, "10.1.2.3", "us 0", {0, 8, 8, 8}},
        PlaceCase{"beside", {"10.0.0.0/8 us"}, "11.1.2.3", " 0", {0, 8, 8, 8}},
        PlaceCase{"far", {"10.0.0.0/8 us"}, "192.0.2.1", " 0", {0, 1, 1, 1}},
        PlaceCase{"host", {"10.0.0.1/32 us 1"}, "10.0.0.1", "us 1", {32, 32, 32, 32}},
        PlaceCase{"beside_a_host", {"10.0.0.1/32 us 1"}, "10.0.0.0", " 0", {32, 32, 32, 32}},
        PlaceCase{"equal_neighbours_merge", {"10.0.0.0/9 us\n10.128.0.0/9 us"}, "10.0.0.1", "us 0", {0, 8, 8, 8}},
        PlaceCase{"three_of_four",
                  {"10.0.0.0/10 us\n10.64.0.0/10 us\n10.128.0.0/10 us"},
                  "10.128.0.1",
                  "us 0",
                  {0, 10, 10, 10}},
        PlaceCase{"levels_differ",
                  {"10.0.0.0/8 us-ca 1\n11.0.0.0/8 us-ny 1\n8.0.0.0/7 mx 1"},
                  "10.0.0.1",
                  "us-ca 1",
                  {6, 8, 7, 6}},
        PlaceCase{"nested", {"10.0.0.0/8 us 1\n10.1.0.0/16 de 1"}, "10.1.0.1", "de 1", {8, 16, 16, 16}},
        PlaceCase{"around_nested", {"10.0.0.0/8 us 1\n10.1.0.0/16 de 1"}, "10.2.0.1", "us 1", {8, 15, 15, 15}},
        PlaceCase{"later_adds", {"10.0.0.0/8 us", "10.1.0.0/16 - 7"}, "10.1.0.1", "us 7", {16, 8, 8, 8}},
        PlaceCase{"later_overrides", {"10.0.0.0/8 us-ca 3", "10.1.0.0/16 us"}, "10.1.0.1", "us-ca 3", {8, 8, 8, 8}},
        PlaceCase{"another_country_drops_the_region",
                  {"10.0.0.0/8 us-ca 3", "10.1.0.0/16 ca"},
                  "10.1.0.1",
                  "ca 3",
                  {8, 16, 16, 8}},
        PlaceCase{"innermost_speaks_alone",
                  {"10.0.0.0/8 us", "10.0.0.0/9 de 5\n10.1.0.0/16 - 6"},
                  "10.1.0.1",
                  "us 6",
                  {16, 16, 16, 16}},
        PlaceCase{"ipv6_host", {"2001:db8::1/128 us"}, "2001:db8::1", "us 0", {0, 128, 128, 128}},
        PlaceCase{"ipv6_last_address",
                  {"::/0 us\nffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128 de"},
                  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                  "de 0",
                  {0, 128, 128, 128}},
        PlaceCase{"families_are_apart", {"::/0 us"}, "10.0.0.1", " 0", {0, 0, 0, 0}}),
    [](const auto& test) { return std::string{test.param.description}; });

class RandomMap : public testing::TestWithParam<uint64_t> {};

/// The location is constant between neighbouring boundaries, so that to look at those in a block is to look at all of
/// it.
void expect_widest(std::span<const Address> edges, std::span<const Layer> layers, const Address& address,
                   const Location& location, Level level, unsigned length) {
  const auto is_uniform = [&](unsigned candidate) {
    const Prefix block = prefix_of(address, candidate);
    const auto differs = [&](const Address& edge) {
      return block.contains(edge) && !location.same_at(level, naive_location(layers, edge));
    };
    return location.same_at(level, naive_location(layers, block.address)) &&
           std::none_of(edges.begin(), edges.end(), differs);
  };
  EXPECT_TRUE(is_uniform(length)) << to_text(prefix_of(address, length)) << " is not uniform";
  if (length == 0) return;
  EXPECT_FALSE(is_uniform(length - 1)) << to_text(prefix_of(address, length)) << " is not the widest";
}

void expect_right(const Compiled& compiled, std::span<const Layer> layers, Family family, std::mt19937_64& random) {
  const std::vector<Address> edges = boundaries(layers, family);
  std::vector<Address> probes = edges;
  for (const Address& edge : edges) probes.push_back(predecessor(edge));
  for (int i = 0; i < 20; ++i) probes.push_back(random_address(random, family));
  for (const Address& address : probes) {
    SCOPED_TRACE(to_text(address));
    const Location& location = compiled.location_of(address);
    ASSERT_EQ(location, naive_location(layers, address));
    for (size_t level = 0; level < level_count; ++level) {
      SCOPED_TRACE(level);
      expect_widest(edges, layers, address, location, static_cast<Level>(level),
                    compiled.place_of(address).length[level]);
    }
    if (testing::Test::HasFailure()) return;
  }
}

TEST_P(RandomMap, AgreesWithLongestMatchAndItsLengthsAreHonest) {
  std::mt19937_64 random{GetParam()};
  const std::vector<Layer> layers = random_layers(random);
  const Compiled compiled{layers};
  for (const Family family : {Family::ipv4, Family::ipv6}) expect_right(compiled, layers, family, random);
}

TEST_P(RandomMap, BatchesFindWhatSingleLookupsFind) {
  std::mt19937_64 random{GetParam()};
  const std::vector<Layer> layers = random_layers(random);
  const Compiled compiled{layers};
  std::vector<uint32_t> addresses;
  for (const Address& edge : boundaries(layers, Family::ipv4)) addresses.push_back(edge.to_ipv4());
  for (size_t count = 0; count <= addresses.size(); ++count) {
    std::vector<uint32_t> places(count);
    compiled.map().find_ipv4(std::span{addresses}.first(count), places);
    for (size_t i = 0; i < count; ++i) ASSERT_EQ(places[i], compiled.map().find_ipv4(addresses[i])) << i;
  }
}

TEST_P(RandomMap, SameLayersSameBytes) {
  std::mt19937_64 random{GetParam()};
  const std::vector<Layer> layers = random_layers(random);
  EXPECT_EQ(*build_map(layers, 5), *build_map(layers, 5));
}

INSTANTIATE_TEST_SUITE_P(Geo, RandomMap, testing::Range<uint64_t>(1, 61),
                         [](const auto& test) { return "seed_" + std::to_string(test.param); });

TEST(Map, StatementsWithoutEffectLeaveNoTrace) {
  const std::vector<Layer> plain{layer_of("10.0.0.0/8 us 1")};
  const std::vector<Layer> detour{layer_of("10.0.0.0/9 de 2\n10.128.0.0/9 us 1"), layer_of("10.0.0.0/8 us 1")};
  EXPECT_EQ(*build_map(plain, 0), *build_map(detour, 0));
}

TEST(Map, CarriesWhatItsHeaderStates) {
  const std::vector<Layer> layers{layer_of("10.0.0.0/8 us 1")};
  const std::vector<std::byte> bytes = *build_map(layers, 1234567890);
  const Map map = *Map::validate(bytes);
  EXPECT_EQ(map.created(), 1234567890u);
  EXPECT_EQ(map.digest(), map_digest(bytes));
  EXPECT_EQ(map.bytes().data(), bytes.data());
  EXPECT_EQ(map.bytes().size(), bytes.size());
}

} // namespace
} // namespace anytick::geo
