#include "control/plan/demand.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>

#include "plan_world.h"

namespace anytick::plan::test {
namespace {

/// "de europe 0.500000, @ 0.500000"
std::string text_of(const Demand& demand) {
  std::string text;
  for (const ClientGroup& each : demand.groups)
    text += fmt::format("{}{} {} {:.6f}", text.empty() ? "" : ", ", each.country.empty() ? "-" : each.country,
                        each.continent.empty() ? "-" : each.continent, each.share);
  return text;
}

struct Case {
  const char* name;
  std::map<std::string, double> countries;
  const char* map; ///< null: none
  const char* expected;
};

class Demanded : public testing::TestWithParam<Case> {};

TEST_P(Demanded, ByCountryAndContinent) {
  const Case& each = GetParam();
  std::optional<SmallMap> map;
  if (each.map != nullptr) map.emplace(each.map);
  const Demand demand = demand_of({.countries = each.countries}, map ? &map->map() : nullptr);
  EXPECT_EQ(text_of(demand), each.expected);
  EXPECT_EQ(demand.unnumbered, 0.2);
}

INSTANTIATE_TEST_SUITE_P(
    Demand, Demanded,
    testing::Values(
        Case{"NothingKnown", {}, nullptr, "- - 1.000000"},
        Case{"MapWithoutPlaces", {}, "192.0.2.0/24 asn=64500", "- - 1.000000"},
        Case{"ByAddresses",
             {},
             "1.0.0.0/8 country=de\n2.0.0.0/9 country=us\n2.128.0.0/9 country=fr",
             "de europe 0.500000, fr europe 0.250000, us north-america 0.250000"},
        Case{"NestedAndSingle",
             {},
             "0.0.0.0/1 country=de\n5.0.0.0/8 country=us\n5.6.7.8/32 country=jp\n128.0.0.0/1 country=fr",
             "de europe 0.496094, fr europe 0.500000, jp asia 0.000000, us north-america 0.003906"},
        Case{"AsAndRegionAreNoBounds",
             {},
             "1.0.0.0/9 region=us-ca asn=64500\n1.128.0.0/9 country=us\n2.0.0.0/8 country=br",
             "br south-america 0.500000, us north-america 0.500000"},
        Case{"ContinentAlone",
             {},
             "1.0.0.0/8 continent=europe\n2.0.0.0/8 country=de",
             "- europe 0.500000, de europe 0.500000"},
        Case{"Ipv6DoesNotCount", {}, "1.0.0.0/24 country=de\n2001:db8::/32 country=us", "de europe 1.000000"},
        Case{"Stated", {{"de", 3}, {"us", 1}}, nullptr, "de europe 0.750000, us north-america 0.250000"},
        Case{"StatedOverrulesTheMap",
             {{"de", 3}, {"us", 1}},
             "1.0.0.0/8 country=fr",
             "de europe 0.750000, us north-america 0.250000"},
        Case{"UnitedKingdom", {{"uk", 1}, {"gb", 1}}, nullptr, "gb europe 1.000000"},
        Case{"LessIsKnown",
             {{"@", 1}, {"asia", 2}, {"jp", 1}},
             nullptr,
             "- - 0.250000, - asia 0.500000, jp asia 0.250000"},
        Case{"NoSuchCountry", {{"zz", 1}}, nullptr, "zz - 1.000000"},
        Case{"NobodyAsks", {{"de", 0}}, nullptr, "- - 1.000000"},
        Case{"WhereTheMapHasIt",
             {{"tr", 1}},
             "1.0.0.0/9 country=tr continent=asia\n1.128.0.0/9 country=tr",
             "tr asia 0.500000, tr europe 0.500000"}),
    [](const auto& i) { return i.param.name; });

// The walk from block to block counts what a look at each address does.
TEST(Demand, CountsEachAddress) {
  const SmallMap small(
      "1.2.0.0/17 country=de\n1.2.3.0/24 country=fr\n1.2.3.4/31 country=us\n1.2.127.255/32 country=jp\n"
      "1.2.64.0/18 asn=7\n1.2.128.0/18 continent=asia\n1.2.128.0/30 country=cn");
  std::map<std::string, double> counted;
  double sum = 0;
  for (uint32_t address = 0x01020000; address < 0x01030000; ++address) {
    const geo::Location& location = small.map().location_of(small.map().find_ipv4(address));
    const std::string key = location.country_text() + " " + std::string(geo::continent_name(location.continent));
    if (key == " ") continue;
    ++counted[key];
    ++sum;
  }
  const Demand demand = demand_of({}, &small.map());
  ASSERT_EQ(demand.groups.size(), counted.size());
  for (const ClientGroup& each : demand.groups)
    EXPECT_EQ(each.share, counted.at(each.country + " " + each.continent) / sum) << each.country;
}

TEST(Demand, CanonicalTextTellsThemApart) {
  const Demand one = demand_of({.countries = {{"de", 1}, {"us", 2}}}, nullptr);
  Demand other = one;
  EXPECT_EQ(canonical_text(one), canonical_text(other));
  other.unnumbered = 0.25;
  EXPECT_NE(canonical_text(one), canonical_text(other));
  other = one;
  other.groups[0].share += 1e-16;
  EXPECT_NE(canonical_text(one), canonical_text(other));
}

} // namespace
} // namespace anytick::plan::test
