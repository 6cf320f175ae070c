#include "control/assemble.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <cstring>
#include <random>
#include <sstream>

#include "control/command.h"
#include "control/dns_parse.h"
#include "control/dns_text.h"
#include "control/dump.h"
#include "control_explained.h"
#include "control_zones.h"
#include "dataplane/core/dns.h"
#include "dataplane/core/rdata.h"
#include "tests/packets/world.h"
#include "tests/unit/mutant.h"
#include "tests/unit/table_forms.h"

namespace anytick::control::test {
namespace {

namespace dns = core::dns;
using nlohmann::json;

core::ZoneImage image_of(std::span<const std::byte> bytes) {
  auto image = core::ZoneImage::validate(bytes);
  if (!image) throw std::runtime_error(image.refusal().text());
  return *image;
}

void expect_round_trip(const core::ZoneImage& image) {
  Findings findings("dump.json");
  const auto again = assemble(dump_json(image), findings);
  for (const Finding& finding : findings.all()) ADD_FAILURE() << finding.text();
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->is_dumped);
  ASSERT_EQ(again->bytes.size(), image.bytes().size());
  EXPECT_EQ(std::memcmp(again->bytes.data(), image.bytes().data(), again->bytes.size()), 0);
}

TEST(Assemble, ImagesOfTheTestsComeBackByteForByte) {
  expect_round_trip(anytick::test::World::of_cases().image());
  const anytick::test::World explained({{"geo.example", explained_zone}}, explained_overrides);
  expect_round_trip(explained.image());
  const Zone zones[] = {good_zone(R"({"serial": 3, "data": {"": {"ns": "a.b"}, "x": {"txt": ["\u0001\"\\ é;", ""]}}})"),
                        good_zone(R"({"serial": 4, "targeting": "@", "data": {"": {"ns": "a.b"}}})", "b.example.json")};
  expect_round_trip(image_of(good_image(zones, UINT64_MAX, 1'700'000'000)));
}

// Paths, ':' between: the sample pool and whatever else there is.
TEST(Assemble, ImagesOfFilesComeBackByteForByte) {
  const char* list = std::getenv("ANYTICK_IMAGES");
  ASSERT_NE(list, nullptr) << "ANYTICK_IMAGES names no zone image";
  std::istringstream stream{list};
  for (std::string path; std::getline(stream, path, ':');) {
    SCOPED_TRACE(path);
    const auto bytes = read_file(path);
    expect_round_trip(image_of(bytes));
  }
}

// Mutants that are valid images have what no compiler writes: their dumps must still be read.
TEST(Assemble, MutantsSayTheSameAfterwards) {
  constexpr uint64_t seed = 5;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto good = anytick::test::World::of_cases().image().bytes();
  anytick::test::Mutant mutant(anytick::test::image_form(), good, good);
  int taken = 0;
  for (int i = 0; i < 20'000; ++i) {
    mutant.make(random, true);
    const auto image = core::ZoneImage::validate(mutant.bytes());
    if (!image || !mutant.is_changed()) continue;
    SCOPED_TRACE(mutant.history());
    ++taken;
    const std::string dump = dump_json(*image);
    Findings findings("dump.json");
    const auto again = assemble(dump, findings);
    for (const Finding& finding : findings.all()) ADD_FAILURE() << finding.text();
    ASSERT_TRUE(again);
    // Where its bytes stand is the image's own affair.
    auto before = json::parse(dump), after = json::parse(dump_json(image_of(again->bytes)));
    for (json* each : {&before, &after})
      for (const char* key : {"bytes", "digest"}) each->erase(key);
    ASSERT_EQ(after, before);
  }
  EXPECT_GT(taken, 100);
}

TEST(Assemble, EditedDumpIsAnotherImage) {
  auto dump = json::parse(dump_json(anytick::test::World::of_cases().image()));
  dump["serial"] = 77;
  Findings findings("dump.json");
  const auto assembled = assemble(dump.dump(), findings);
  ASSERT_TRUE(assembled);
  EXPECT_FALSE(assembled->is_dumped);
  EXPECT_EQ(image_of(assembled->bytes).header().serial, 77u);
}

struct FaultCase {
  const char* name;
  const char* path;  ///< of the value that is changed, by JSON pointer
  const char* value; ///< "" takes it away
  std::vector<std::string> findings;
};

void PrintTo(const FaultCase& test, std::ostream* out) {
  *out << test.path << " = " << test.value;
}

class FaultyDump : public testing::TestWithParam<FaultCase> {};

TEST_P(FaultyDump, IsRefusedWithEveryFault) {
  auto dump = json::parse(dump_json(anytick::test::World::of_cases().image()));
  const json::json_pointer at(GetParam().path);
  if (*GetParam().value != '\0')
    dump[at] = json::parse(GetParam().value);
  else
    dump[at.parent_pointer()].erase(at.back());
  Findings findings("d");
  EXPECT_FALSE(assemble(dump.dump(), findings));
  std::vector<std::string> texts;
  for (const Finding& finding : findings.all()) texts.push_back(finding.text());
  EXPECT_EQ(texts, GetParam().findings);
}

const FaultCase fault_cases[] = {
    {"NoObject", "", "[]", {"d: fault: not an object: []", "d: format: fault: not 1, which this program writes"}},
    {"MissingKey", "/created", "", {"d: fault: \"created\" is missing"}},
    {"UnknownKey", "/colour", "3", {"d: colour: fault: no such key"}},
    {"Format", "/format", "2", {"d: format: fault: not 1, which this program writes"}},
    {"Serial", "/serial", "-1", {"d: serial: fault: not a number from 0 to 18446744073709551615: -1"}},
    {"TargetOrder", "/targets/-", "\"a\"", {"d: targets/4: fault: not in order, or twice: \"a\""}},
    {"TargetText", "/targets/-", "7", {"d: targets/4: fault: not a text: 7"}},
    {"RRset",
     "/rrsets/0",
     R"({"type": "b", "ttl": 4294967296, "kind": "some", "max_records": 1.5, "records": {}})",
     {"d: rrsets/0/type: fault: unknown: \"b\"",
      "d: rrsets/0/ttl: fault: not a number from 0 to 4294967295: 4294967296",
      "d: rrsets/0/kind: fault: unknown: \"some\"",
      "d: rrsets/0/max_records: fault: not a number from 0 to 4294967295: 1.5",
      "d: rrsets/0/records: fault: not an array: {}"}},
    {"Rdata",
     "/rrsets/0/records/0/data",
     "\"a. b. 1 2 3 4\"",
     {"d: rrsets/0/records/0/data: fault: not the data of a record of type soa: \"a. b. 1 2 3 4\""}},
    {"Selector",
     "/selectors/0",
     R"([{"target": "@", "selector": 0}, 7])",
     {"d: selectors/0/0/selector: fault: no selector before this one has this number: 0",
      "d: selectors/0/1: fault: not an object: 7"}},
    {"SelectorRRset",
     "/selectors/0/0/rrset",
     "9999",
     {"d: selectors/0/0/rrset: fault: no RRset has this number: 9999"}},
    {"SelectorTarget",
     "/selectors/0/0/target",
     "\"nowhere\"",
     {"d: selectors/0/0/target: fault: unknown: \"nowhere\""}},
    {"Origin", "/zones/0/origin", "\"b.\"", {"d: zones/0/origin: fault: not the first name: \"b.\""}},
    {"Targeting", "/zones/0/targeting", "\"@ moon\"", {"d: zones/0/targeting: fault: unknown target \"moon\""}},
    {"Name",
     "/zones/0/names/1/name",
     "\"a..b.\"",
     {"d: zones/0/names/1/name: fault: not a name: an empty label: \"a..b.\""}},
    {"NodeType",
     "/zones/0/names/0/types/0",
     R"({"type": "type1", "selector": 9999})",
     {"d: zones/0/names/0/types/0/type: fault: unknown: \"type1\"",
      "d: zones/0/names/0/types/0/selector: fault: no selector has this number: 9999"}},
};

INSTANTIATE_TEST_SUITE_P(Assemble, FaultyDump, testing::ValuesIn(fault_cases),
                         [](const auto& i) { return i.param.name; });

TEST(Assemble, WhatOnlyTheWholeShows) {
  auto dump = json::parse(dump_json(anytick::test::World::of_cases().image()));
  dump["zones"][0]["label_depth"] = 9;
  Findings findings("d");
  EXPECT_FALSE(assemble(dump.dump(), findings));
  ASSERT_EQ(findings.faults(), 1u);
  EXPECT_TRUE(findings.all()[0].reason.starts_with("no valid image: zone image: zones at offset "));
  EXPECT_TRUE(findings.all()[0].reason.ends_with(": label depth is wrong")) << findings.all()[0].text();
}

TEST(Assemble, APrefixHasOneSpelling) {
  auto dump = json::parse(dump_json(anytick::test::World::of_cases().image()));
  dump["targets"].push_back("2001:0db8::/32");
  std::sort(dump["targets"].begin(), dump["targets"].end());
  Findings findings("d");
  EXPECT_FALSE(assemble(dump.dump(), findings));
  ASSERT_EQ(findings.faults(), 1u);
  EXPECT_TRUE(findings.all()[0].reason.ends_with("a prefix that is not spelled 2001:db8::/32"))
      << findings.all()[0].text();
}

// Hashes take no notice of one bit, that of case, and digits are one bit from bytes that nobody has in names.
TEST(Assemble, NamesThatShareAHashAreBounded) {
  const auto join_of = [](unsigned names) {
    auto dump = json::parse(dump_json(anytick::test::World::of_cases().image()));
    auto& zone = dump["zones"][0];
    const std::string origin = zone["origin"];
    const json types = zone["names"][0]["types"];
    zone["names"].erase(zone["names"].begin() + 1, zone["names"].end());
    zone["label_depth"] = 3;
    for (unsigned i = 0; i < names; ++i) {
      std::string label;
      for (unsigned bit = 8; bit-- > 0;) label += (i >> bit & 1) != 0 ? "0" : "\\016";
      zone["names"].push_back({{"name", label + "." + origin}, {"types", json::array()}});
    }
    Findings findings("d");
    const auto assembled = assemble(dump.dump(), findings);
    for (const Finding& finding : findings.all()) ADD_FAILURE() << finding.text();
    return core::Join::build(image_of(assembled->bytes), nullptr);
  };
  EXPECT_TRUE(join_of(32));
  const auto refused = join_of(256);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.refusal().text(), "zone image: too many names that share a hash");
}

TEST(Assemble, NoJson) {
  Findings findings("d");
  EXPECT_FALSE(assemble("{\"serial\": ", findings));
  EXPECT_EQ(findings.faults(), 1u);
}

struct RdataCase {
  uint16_t type;
  const char* text;
};

TEST(ParseRdata, RefusesWhatIsNotOfTheType) {
  const RdataCase cases[] = {{dns::A, "1.2.3"},
                             {dns::A, "1.2.3.4 "},
                             {dns::A, "::1"},
                             {dns::AAAA, "1.2.3.4"},
                             {dns::NS, "a"},
                             {dns::NS, "a. b."},
                             {dns::NS, "\\256."},
                             {dns::NS, "a\\"},
                             {dns::MX, "65536 a."},
                             {dns::MX, "1"},
                             {dns::SOA, "a. b. 1 2 3 4 5 6"},
                             {dns::TXT, ""},
                             {dns::TXT, "a"},
                             {dns::TXT, "\"a"},
                             {dns::TXT, "\"a\"\"b\""},
                             {dns::CAA, "0  \"x\""},
                             {dns::CAA, "0 issue x"},
                             {64, "\\# 2 00"},
                             {64, "\\# 1 0g"},
                             {64, "00"}};
  for (const RdataCase& each : cases)
    EXPECT_FALSE(parse_rdata(each.type, each.text)) << type_text(each.type) << ' ' << each.text;
}

// Random bytes that are well-formed RDATA come back from their text.
TEST(ParseRdata, ReadsWhatRdataTextWrites) {
  constexpr uint64_t seed = 6;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto bytes = [&](size_t count) {
    std::string text(count, '\0');
    for (char& c : text) c = static_cast<char>(random());
    return text;
  };
  const auto counted = [&](size_t most) {
    const std::string text = bytes(1 + random() % most);
    return static_cast<char>(text.size()) + text;
  };
  const auto name = [&] {
    std::string wire;
    for (uint64_t labels = random() % 4; labels > 0; --labels) wire += counted(63);
    return wire + '\0';
  };
  for (int i = 0; i < 3'000; ++i) {
    const std::pair<uint16_t, std::string> cases[] = {
        {dns::A, bytes(4)},
        {dns::AAAA, bytes(16)},
        {dns::AAAA, std::string(10, '\0') + "\xff\xff" + bytes(4)},
        {dns::AAAA, std::string(random() % 16, '\0') + bytes(16)},
        {dns::NS, name()},
        {dns::CNAME, name()},
        {dns::MX, bytes(2) + name()},
        {dns::SRV, bytes(6) + name()},
        {dns::SOA, name() + name() + bytes(20)},
        {dns::TXT, counted(255) + std::string(1, '\0') + counted(9)},
        {dns::SPF, counted(20)},
        {dns::CAA, bytes(1) + counted(20) + bytes(random() % 40)},
        {static_cast<uint16_t>(1000), bytes(random() % 300)},
    };
    for (auto [type, rdata] : cases) {
      if (type == dns::AAAA) rdata.resize(16);
      const std::string text = rdata_text(type, rdata);
      const auto again = parse_rdata(type, text);
      ASSERT_TRUE(again) << type_text(type) << ' ' << text;
      ASSERT_EQ(*again, rdata) << type_text(type) << ' ' << text;
    }
  }
}

TEST(ParseType, ReadsWhatTypeTextWrites) {
  for (unsigned type = 0; type <= UINT16_MAX; ++type)
    ASSERT_EQ(parse_type(type_text(static_cast<uint16_t>(type))), type) << type;
  for (const char* text : {"", "type", "type1", "type065", "type65536", "A", "other"}) EXPECT_FALSE(parse_type(text));
}

} // namespace
} // namespace anytick::control::test
