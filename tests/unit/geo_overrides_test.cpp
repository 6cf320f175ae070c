#include "geo/overrides.h"

#include <gtest/gtest.h>

namespace anytick::geo {
namespace {

struct OverridesCase {
  const char* description;
  const char* text;
  std::vector<std::string> expected; ///< entries or, with "!" before them, faults
};

void PrintTo(const OverridesCase& test, std::ostream* out) {
  *out << test.text;
}

std::string text_of(const Location& location) {
  return location.country_text() + "," + location.region_text() + "," +
         std::string{continent_name(location.continent)} + "," + std::to_string(location.asn);
}

std::vector<std::string> outcome(const char* text) {
  std::vector<Refusal> faults;
  const Layer layer = parse_overrides("o.txt", text, faults);
  std::vector<std::string> lines;
  for (const Refusal& fault : faults) lines.push_back(std::string{"!"}.append(fault.text()));
  if (!faults.empty()) return lines;
  for (const Layer::Entry& entry : layer.entries)
    lines.push_back(to_text(entry.prefix) + " " + text_of(layer.statements[entry.statement]));
  return lines;
}

class Overrides : public testing::TestWithParam<OverridesCase> {};

TEST_P(Overrides, EntriesOrFaults) {
  EXPECT_EQ(outcome(GetParam().text), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Good, Overrides,
    testing::Values(
        OverridesCase{"empty", "", {}}, OverridesCase{"blank_lines_and_comments", "\n  # nothing\n\t\n#", {}},
        OverridesCase{"country_brings_continent", "192.0.2.0/24 country=de", {"192.0.2.0/24 de,,europe,0"}},
        OverridesCase{"upper_case", "192.0.2.0/24 country=DE", {"192.0.2.0/24 de,,europe,0"}},
        OverridesCase{
            "region_brings_country", "2001:db8::/32 region=us-ca", {"2001:db8::/32 us,us-ca,north-america,0"}},
        OverridesCase{"region_of_its_country", "10.0.0.0/8 region=at-9 country=at", {"10.0.0.0/8 at,at-9,europe,0"}},
        OverridesCase{"asn_alone", "10.0.0.0/8 asn=4294967295", {"10.0.0.0/8 ,,,4294967295"}},
        OverridesCase{"continent_alone", "10.0.0.0/8 continent=asia", {"10.0.0.0/8 ,,asia,0"}},
        OverridesCase{"continent_given", "10.0.0.0/8 country=tr continent=asia", {"10.0.0.0/8 tr,,asia,0"}},
        OverridesCase{"continent_given_first", "10.0.0.0/8 continent=asia country=tr", {"10.0.0.0/8 tr,,asia,0"}},
        OverridesCase{"everything",
                      "0.0.0.0/0\tcountry=us  region=us-ny continent=europe asn=1 # why\r\n",
                      {"0.0.0.0/0 us,us-ny,europe,1"}},
        OverridesCase{"sorted",
                      "2001:db8::/32 asn=4\n10.1.0.0/16 asn=3\n10.0.0.0/8 asn=2\n10.0.0.0/16 asn=1",
                      {"10.0.0.0/8 ,,,2", "10.0.0.0/16 ,,,1", "10.1.0.0/16 ,,,3", "2001:db8::/32 ,,,4"}}),
    [](const auto& test) { return std::string{test.param.description}; });

INSTANTIATE_TEST_SUITE_P(
    Faulty, Overrides,
    testing::Values(
        OverridesCase{
            "nothing_stated", "10.0.0.0/8", {"!o.txt at line 1: nothing is stated (country, region, continent, asn)"}},
        OverridesCase{"no_prefix",
                      "\n10.0.0.1/8 asn=1",
                      {"!o.txt at line 2: '10.0.0.1/8' is no prefix (address/length, no bits beyond the length)"}},
        OverridesCase{"no_country", "10.0.0.0/8 country=zz", {"!o.txt at line 1: 'zz' is no country of ISO 3166-1"}},
        OverridesCase{"empty_country", "10.0.0.0/8 country=", {"!o.txt at line 1: '' is no country of ISO 3166-1"}},
        OverridesCase{
            "no_region", "10.0.0.0/8 region=ca", {"!o.txt at line 1: 'ca' is no region of ISO 3166-2 (us-ca)"}},
        OverridesCase{"region_too_long",
                      "10.0.0.0/8 region=us-cali",
                      {"!o.txt at line 1: 'us-cali' is no region of ISO 3166-2 (us-ca)"}},
        OverridesCase{"region_of_another_country",
                      "10.0.0.0/8 region=us-ca country=ca",
                      {"!o.txt at line 1: region is not of country 'ca'"}},
        OverridesCase{"no_continent",
                      "10.0.0.0/8 continent=america",
                      {"!o.txt at line 1: 'america' is no continent (north-america)"}},
        OverridesCase{"asn_zero", "10.0.0.0/8 asn=0", {"!o.txt at line 1: '0' is no AS number (1 to 4294967295)"}},
        OverridesCase{"asn_too_large",
                      "10.0.0.0/8 asn=4294967296",
                      {"!o.txt at line 1: '4294967296' is no AS number (1 to 4294967295)"}},
        OverridesCase{
            "asn_with_letters", "10.0.0.0/8 asn=AS5", {"!o.txt at line 1: 'as5' is no AS number (1 to 4294967295)"}},
        OverridesCase{"unknown_key",
                      "10.0.0.0/8 city=x",
                      {"!o.txt at line 1: unknown key 'city' (country, region, continent, asn)"}},
        OverridesCase{"no_value", "10.0.0.0/8 country", {"!o.txt at line 1: 'country' is not key=value"}},
        OverridesCase{"key_twice", "10.0.0.0/8 asn=1 asn=1", {"!o.txt at line 1: 'asn' is given twice"}},
        OverridesCase{"prefix_twice",
                      "10.0.0.0/8 asn=1\n\n10.0.0.0/8 country=us",
                      {"!o.txt at line 3: 10.0.0.0/8 was given in line 1 already"}},
        OverridesCase{"all_faults_in_one_run",
                      "x asn=0 y\n10.0.0.0/8 country=zz\n10.0.0.0/8 asn=1",
                      {"!o.txt at line 1: 'x' is no prefix (address/length, no bits beyond the length)",
                       "!o.txt at line 1: '0' is no AS number (1 to 4294967295)",
                       "!o.txt at line 1: 'y' is not key=value", "!o.txt at line 2: 'zz' is no country of ISO 3166-1",
                       "!o.txt at line 3: 10.0.0.0/8 was given in line 2 already"}}),
    [](const auto& test) { return std::string{test.param.description}; });

} // namespace
} // namespace anytick::geo
