#include "geo/location.h"

#include <gtest/gtest.h>

#include <map>

namespace anytick::geo {
namespace {

TEST(Location, EveryIsoCountryHasAContinent) {
  std::map<Continent, int> countries;
  for (char a = 'a'; a <= 'z'; ++a)
    for (char b = 'a'; b <= 'z'; ++b) ++countries[continent_of(std::string{a, b})];
  const std::map<Continent, int> expected{
      {Continent::unknown, 26 * 26 - 250},
      {Continent::africa, 58},
      {Continent::antarctica, 5},
      {Continent::asia, 53},
      {Continent::europe, 53},
      {Continent::north_america, 41},
      {Continent::oceania, 26},
      {Continent::south_america, 14},
  };
  EXPECT_EQ(countries, expected);
}

struct CountryCase {
  const char* code;
  const char* continent;
};

void PrintTo(const CountryCase& test, std::ostream* out) {
  *out << test.code;
}

class ContinentOf : public testing::TestWithParam<CountryCase> {};

TEST_P(ContinentOf, IsThatOfThePoolZones) {
  EXPECT_EQ(continent_name(continent_of(GetParam().code)), GetParam().continent);
}

// The first rows are where other tables differ.
INSTANTIATE_TEST_SUITE_P(
    Geo, ContinentOf,
    testing::Values(CountryCase{"tr", "europe"}, CountryCase{"ru", "europe"}, CountryCase{"cy", "asia"},
                    CountryCase{"ge", "asia"}, CountryCase{"kz", "asia"}, CountryCase{"il", "asia"},
                    CountryCase{"eg", "africa"}, CountryCase{"mx", "north-america"}, CountryCase{"gl", "north-america"},
                    CountryCase{"um", "oceania"}, CountryCase{"gs", "antarctica"}, CountryCase{"xk", "europe"},
                    CountryCase{"us", "north-america"}, CountryCase{"br", "south-america"},
                    CountryCase{"au", "oceania"}, CountryCase{"de", "europe"}, CountryCase{"jp", "asia"},
                    CountryCase{"aq", "antarctica"}, CountryCase{"za", "africa"}, CountryCase{"ad", "europe"},
                    CountryCase{"zw", "africa"}),
    [](const auto& test) { return std::string{test.param.code}; });

TEST(Location, WhatIsNoCountryHasNoContinent) {
  for (const char* code : {"", "u", "usa", "US", "eu", "ap", "zz", "a1", "@@", "{{", "\xff\xff"}) {
    SCOPED_TRACE(code);
    EXPECT_EQ(continent_of(code), Continent::unknown);
  }
}

TEST(Location, ContinentNamesGoBothWays) {
  for (size_t i = 1; i < continent_count; ++i) {
    const auto continent = static_cast<Continent>(i);
    EXPECT_EQ(continent_by_name(continent_name(continent)), continent);
  }
  EXPECT_EQ(continent_name(Continent::unknown), "");
  EXPECT_EQ(continent_by_name(""), std::nullopt);
  EXPECT_EQ(continent_by_name("Europe"), std::nullopt);
}

TEST(Location, Texts) {
  EXPECT_EQ(Location{}.country_text(), "");
  EXPECT_EQ(Location{}.region_text(), "");
  EXPECT_EQ((Location{.country = {'u', 's'}}.country_text()), "us");
  EXPECT_EQ((Location{.country = {'u', 's'}, .region = {'c', 'a'}}.region_text()), "us-ca");
  EXPECT_EQ((Location{.country = {'g', 'b'}, .region = {'e', 'n', 'g'}}.region_text()), "gb-eng");
  EXPECT_EQ((Location{.country = {'a', 't'}, .region = {'9'}}.region_text()), "at-9");
}

TEST(Location, LevelsCompareWhatTheySee) {
  const Location base{.country = {'u', 's'}, .region = {'c', 'a'}, .continent = Continent::north_america, .asn = 64496};
  Location other = base;
  other.asn = 64497;
  EXPECT_FALSE(base.same_at(Level::asn, other));
  EXPECT_TRUE(base.same_at(Level::region, other));

  other = base;
  other.region = {'n', 'y'};
  EXPECT_TRUE(base.same_at(Level::asn, other));
  EXPECT_FALSE(base.same_at(Level::region, other));
  EXPECT_TRUE(base.same_at(Level::country, other));

  other = base;
  other.country = {'m', 'x'}; // another region, although its letters are the same
  EXPECT_FALSE(base.same_at(Level::region, other));
  EXPECT_FALSE(base.same_at(Level::country, other));
  EXPECT_TRUE(base.same_at(Level::continent, other));

  other = base;
  other.continent = Continent::europe;
  EXPECT_TRUE(base.same_at(Level::country, other));
  EXPECT_FALSE(base.same_at(Level::continent, other));
}

} // namespace
} // namespace anytick::geo
