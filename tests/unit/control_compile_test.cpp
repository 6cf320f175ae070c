#include <algorithm>
#include <random>
#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "control/compile.h"
#include "control/dns_text.h"
#include "control_zones.h"
#include "dataplane/core/dns.h"

namespace anytick::control::test {
namespace {

namespace dns = core::dns;
using nlohmann::json;

core::ZoneImage view(const std::vector<std::byte>& bytes) {
  return *core::ZoneImage::validate(bytes);
}

std::vector<std::byte> image_of(const std::string& labels, const std::string& options = "") {
  const Zone zones[] = {good_zone("{\"serial\": 1," + options + "\"data\": {" + labels + "}}")};
  return good_image(zones);
}

const char* const labels_of_a_pool =
    R"("": {"ns": ["ns1.example.net."], "a": "192.0.2.1", "mx": "mx.example.net"},
       "europe": {"a": "192.0.2.2"}, "uk": {"a": "192.0.2.3"}, "gb": {"alias": "uk"},
       "us": {"alias": "0.us"}, "us-ca": {"a": "192.0.2.4"}, "as64500": {"a": "192.0.2.5"},
       "0": {"a": "192.0.2.10"}, "0.us": {"a": "192.0.2.11"}, "0.europe": {"alias": "1"}, "1.uk": {"a": "192.0.2.12"},
       "0.debian": {"alias": "0"}, "debian": {"alias": ""}, "www": {"txt": "x"}, "www.us": {"cname": "us"},
       "both": {"alias": "1", "a": "192.0.2.20", "txt": "own"}, "deep.a.b": {"txt": "d"}, "v6": {"aaaa": "2001:db8::1"})";

struct AnswerCase {
  const char* description;
  const char* name;
  uint16_t type;
  Targets targets;
  const char* answer;
};

class CompiledPool : public testing::TestWithParam<AnswerCase> {};

TEST_P(CompiledPool, AnswersByTarget) {
  const AnswerCase& given = GetParam();
  SCOPED_TRACE(given.description);
  const auto bytes = image_of(labels_of_a_pool, R"("targeting": "@ country continent region asn",)");
  EXPECT_EQ(image_answer(view(bytes), "pool.example.", given.name, given.type, given.targets), given.answer);
}

const AnswerCase answers[] = {
    {"apex, nobody", "", dns::A, {}, "a 120 draw 1: 192.0.2.1=1"},
    {"apex, continent", "", dns::A, {"de", "europe"}, "a 120 draw 1: 192.0.2.2=1"},
    {"apex, country through an alias", "", dns::A, {"gb", "europe"}, "a 120 draw 1: 192.0.2.3=1"},
    {"apex, alias to a label with a target", "", dns::A, {"us", "north-america"}, "a 120 draw 1: 192.0.2.11=1"},
    {"apex, region before country", "", dns::A, {"us-ca", "us"}, "a 120 draw 1: 192.0.2.4=1"},
    {"apex, ASN first", "", dns::A, {"as64500", "us-ca", "us"}, "a 120 draw 1: 192.0.2.5=1"},
    {"apex, type that no target has", "", dns::MX, {"us"}, "mx 120 all: 0 mx.example.net."},
    {"apex, NS for everybody", "", dns::NS, {"us"}, "ns 86400 all: ns1.example.net."},
    {"apex, SOA for everybody",
     "",
     dns::SOA,
     {"us"},
     "soa 1200 all: ns1.example.net. hostmaster.pool.example. 1 5400 5400 1209600 3600"},
    {"numbered name", "0", dns::A, {}, "a 120 draw 1: 192.0.2.10=1"},
    {"numbered name, country", "0", dns::A, {"us"}, "a 120 draw 1: 192.0.2.11=1"},
    {"numbered name, alias of a target that matches", "0", dns::A, {"uk", "europe"}, "a 120 draw 1: 192.0.2.12=1"},
    {"numbered name, alias that yields nothing falls to everybody",
     "0",
     dns::A,
     {"de", "europe"},
     "a 120 draw 1: 192.0.2.10=1"},
    {"label with a target asked for itself", "0.us", dns::A, {"de"}, "a 120 draw 1: 192.0.2.11=1"},
    {"name that exists by its targets only", "1", dns::A, {"de"}, "nodata"},
    {"name that exists by its targets only, matching", "1", dns::A, {"uk"}, "a 120 draw 1: 192.0.2.12=1"},
    {"whole-name alias", "0.debian", dns::A, {"us"}, "a 120 draw 1: 192.0.2.11=1"},
    {"alias to the apex", "debian", dns::A, {"as64500"}, "a 120 draw 1: 192.0.2.5=1"},
    {"alias to the apex does not stand for its NS", "debian", dns::NS, {}, "nodata"},
    {"CNAME by target, for the type that others have", "www", dns::TXT, {"us"}, "cname 120 all: us.pool.example."},
    {"CNAME by target, for another type", "www", dns::A, {"us"}, "cname 120 all: us.pool.example."},
    {"CNAME by target, asked for", "www", dns::CNAME, {"us"}, "cname 120 all: us.pool.example."},
    {"CNAME by target, not matching", "www", dns::A, {"de"}, "nodata"},
    {"CNAME by target, not matching, own type", "www", dns::TXT, {"de"}, "txt 120 all: \"x\""},
    {"alias before the label's own", "both", dns::A, {"uk"}, "a 120 draw 1: 192.0.2.12=1"},
    {"the label's own where the alias yields nothing", "both", dns::A, {"us"}, "a 120 draw 1: 192.0.2.20=1"},
    {"the label's own type", "both", dns::TXT, {"uk"}, "txt 120 all: \"own\""},
    {"empty non-terminal", "a.b", dns::A, {}, "nodata"},
    {"empty non-terminal above", "b", dns::A, {}, "nodata"},
    {"no such name", "c", dns::A, {"us"}, "nxdomain"},
    {"AAAA only", "v6", dns::A, {}, "nodata"},
};
INSTANTIATE_TEST_SUITE_P(Cases, CompiledPool, testing::ValuesIn(answers), [](const auto& each) {
  std::string name = each.param.description;
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return !std::isalnum(c); }, '_');
  return name;
});

TEST(Compile, LevelsThatTheZoneDoesNotUseAreNoTargets) {
  const std::string labels = R"("0": {"a": "192.0.2.1"}, "0.us": {"a": "192.0.2.2"}, "0.europe": {"a": "192.0.2.3"})";
  const auto bytes = image_of(labels, R"("targeting": "@ continent",)");
  EXPECT_EQ(image_answer(view(bytes), "pool.example.", "0", dns::A, {"us"}), "a 120 draw 1: 192.0.2.1=1");
  EXPECT_EQ(image_answer(view(bytes), "pool.example.", "0", dns::A, {"europe"}), "a 120 draw 1: 192.0.2.3=1");
  EXPECT_EQ(image_answer(view(bytes), "pool.example.", "us", dns::A, {}), "nodata");
}

TEST(Compile, AliasesAndEqualSetsCostNothing) {
  std::string labels = R"("0": {"a": "192.0.2.1"}, "0.us": {"a": "192.0.2.2"}, "1": {"a": "192.0.2.1"})";
  const auto plain = image_of(labels);
  for (int i = 0; i < 100; ++i) labels += ", \"0.vendor" + std::to_string(i) + "\": {\"alias\": \"0\"}";
  const auto vendors = image_of(labels);
  EXPECT_EQ(view(vendors).selectors().size(), view(plain).selectors().size());
  EXPECT_EQ(view(vendors).entries().size(), view(plain).entries().size());
  EXPECT_EQ(view(plain).rrsets().size(), 4u) << "SOA, the client's location and two sets of addresses";
  EXPECT_EQ(view(plain).records().size(), 3u);
}

std::vector<std::byte> compiled_text(const std::string& text) {
  const Zone zones[] = {good_zone(text)};
  return good_image(zones, 5, 6);
}

TEST(Compile, TheOrderOfKeysDoesNotMatter) {
  const std::string first =
      R"({"serial": 1, "ttl": 60, "data": {"": {"ns": {"a.b.": null, "c.d.": null}}, "www": {"a": [
      {"ip": "192.0.2.1", "weight": 5}], "txt": "x"}, "0": {"a": "192.0.2.1"}, "WWW.us": {"alias": "0"}}})";
  const std::string second =
      R"({"data": {"www.US": {"alias": "0"}, "0": {"a": ["192.0.2.1"]}, "Www": {"txt": "x", "a": [
      {"weight": "5", "ip": "192.0.2.1"}]}, "": {"ns": {"c.d.": null, "a.b.": null}}}, "ttl": "60", "serial": 1})";
  EXPECT_EQ(compiled_text(first), compiled_text(second));
  EXPECT_EQ(compiled_text(first), compiled_text(first));
}

TEST(Compile, SeveralZonesInAnyOrder) {
  const std::string text = R"({"serial": 1, "data": {"": {"a": "192.0.2.1"}, "us": {"a": "192.0.2.2"}}})";
  const Zone a = good_zone(text, "pool.example.json"), b = good_zone(text, "pool.test.json");
  const Zone c = good_zone(R"({"serial": 9, "data": {}})", "other.example.json");
  const Zone forward[] = {a, b, c}, backward[] = {c, b, a};
  const auto bytes = good_image(forward, 77, 88);
  EXPECT_EQ(bytes, good_image(backward, 77, 88));
  const core::ZoneImage image = view(bytes);
  EXPECT_EQ(image.header().serial, 77u);
  EXPECT_EQ(image.header().created, 88u);
  ASSERT_EQ(image.zones().size(), 3u);
  EXPECT_EQ(image_answer(image, "pool.test.", "", dns::A, {"us"}), "a 120 draw 1: 192.0.2.2=1");
  EXPECT_EQ(image_answer(image, "other.example.", "", dns::A, {"us"}), "nodata");
}

TEST(Compile, RefusesZonesThatOverlap) {
  const auto refusal = [](const char* one, const char* other) {
    const Zone zones[] = {good_zone(R"({"data": {}})", one), good_zone(R"({"data": {}})", other)};
    const auto result = compile(zones, 1, 0);
    return result ? std::string("compiled") : result.refusal().text();
  };
  EXPECT_EQ(refusal("x/pool.example.json", "y/Pool.example.json"),
            "y/Pool.example.json: the same zone as pool.example. of x/pool.example.json");
  EXPECT_EQ(refusal("a.pool.example.json", "pool.example.json"),
            "a.pool.example.json: lies inside the zone pool.example. of pool.example.json");
  EXPECT_EQ(refusal("apool.example.json", "pool.example.json"), "compiled");
}

TEST(Compile, LargestSets) {
  const auto zone_of = [](unsigned count) {
    json addresses = json::array();
    for (unsigned i = 0; i < count; ++i)
      addresses.push_back(
          {"10." + std::to_string(i >> 16) + "." + std::to_string(i >> 8 & 255) + "." + std::to_string(i & 255),
           4294967295u});
    return json{{"serial", 1}, {"data", {{"", {{"ns", "a.b"}, {"a", addresses}}}}}}.dump();
  };
  const auto bytes = compiled_text(zone_of(65535));
  EXPECT_EQ(view(bytes).records().size(), 65535u + 2);
  EXPECT_EQ(read(zone_of(65536)).findings,
            std::vector<std::string>{"data//a: fault: 65536 records, at most 65535 are possible"});
}

TEST(Compile, LongestNames) {
  const std::string label(63, 'x');
  std::string name = label + "." + label + "." + label + ".";
  name += std::string(255 - 2 - name.size() - std::string("pool.example.").size(), 'y');
  const auto bytes = image_of("\"" + name + "\": {\"a\": \"192.0.2.1\"}");
  EXPECT_EQ(image_answer(view(bytes), "pool.example.", name, dns::A, {}), "a 120 draw 1: 192.0.2.1=1");
  EXPECT_EQ(view(bytes).zones()[0].label_depth, 6);
  EXPECT_EQ(read("{\"data\": {\"" + name + "y\": {}}}").findings[0],
            "data/" + name + "y: fault: a name of more than 255 bytes");
}

/// Zones made of few words, so that aliases, targets and CNAMEs meet often.
class RandomZone {
 public:
  explicit RandomZone(uint64_t seed) : random_(seed) {}

  std::string json_text() {
    json data;
    for (const char* base : {"", "0", "1", "x.y", "us", "0.us"})
      for (const char* target : {"", "us", "de", "europe", "us-ca", "as5"})
        if (chance(40)) data[joined(base, target)] = label();
    if (chance(50)) data[""]["ns"] = "ns.example.net";
    return json{{"serial", 1},
                {"targeting", "@ country continent region asn"},
                {"data", data.is_null() ? json::object() : data}}
        .dump();
  }

 private:
  bool chance(unsigned percent) { return random_() % 100 < percent; }
  static std::string joined(const std::string& base, const std::string& target) {
    return base.empty() || target.empty() ? base + target : base + "." + target;
  }
  std::string address() { return "192.0.2." + std::to_string(random_() % 6); }

  json label() {
    json label = json::object();
    if (chance(8)) return {{"cname", chance(50) ? json("0") : json::array({"0", "1"})}};
    if (chance(25))
      label["alias"] = std::vector<const char*>{"", "0", "1", "x.y", "0.us", "us", "de", "1.europe"}[random_() % 8];
    if (chance(50)) label["a"] = json::array({address()});
    if (chance(20)) label["txt"] = std::to_string(random_() % 3);
    if (chance(20)) label["mx"] = {{"mx", "m"}, {"weight", 1 + random_() % 2}};
    if (chance(20)) label["ttl"] = 60;
    return label;
  }

  std::mt19937_64 random_;
};

TEST(Compile, AgreesWithTheRuleOnRandomZones) {
  const uint64_t seed = std::random_device{}();
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  const std::vector<Targets> clients{{},
                                     {"us", "north-america"},
                                     {"as5", "us-ca", "us", "north-america"},
                                     {"de", "europe"},
                                     {"europe"},
                                     {"us-ca", "us", "north-america"},
                                     {"as5", "de", "europe"}};
  unsigned good = 0, answered = 0, through_alias = 0;
  for (unsigned round = 0; round < 1500; ++round) {
    const std::string text = RandomZone(seed + round).json_text();
    const ReadResult result = read(text);
    if (!result.zone) continue;
    ++good;
    const auto bytes = good_image(std::span(&*result.zone, 1));
    const core::ZoneImage image = view(bytes);
    std::set<std::string> names{"", "y", "nothing", "x.nothing", "0.1"};
    for (const ZoneLabel& label : result.zone->labels) {
      names.insert({label.name, label.name.substr(0, label.name.rfind('.'))});
      through_alias += label.alias.has_value();
    }
    for (const std::string& name : names)
      for (const uint16_t type : {dns::A, dns::AAAA, dns::TXT, dns::MX, dns::CNAME, dns::NS, dns::SOA})
        for (const Targets& targets : clients) {
          const std::string expected = zone_answer(*result.zone, name, type, targets);
          ASSERT_EQ(image_answer(image, "pool.example.", name, type, targets), expected)
              << "seed " << seed + round << " name \"" << name << "\" type " << type << " zone " << text;
          answered += expected != "nodata" && expected != "nxdomain";
        }
  }
  EXPECT_GT(good, 100u);
  EXPECT_GT(answered, 1000u);
  EXPECT_GT(through_alias, 200u);
}

/// Damages a text in a few places.
std::string damaged(std::string text, std::mt19937_64& random) {
  constexpr std::string_view spice = "\"{}[],:.0123456789-aeustxn@* \\\xff";
  for (uint64_t edits = 1 + random() % 3; edits > 0; --edits) {
    const size_t at = random() % text.size();
    const size_t size = std::min<size_t>(random() % 12, text.size() - at);
    switch (random() % 4) {
    case 0:
      text[at] = spice[random() % spice.size()];
      break;
    case 1:
      text.insert(at, 1, spice[random() % spice.size()]);
      break;
    case 2:
      text.insert(random() % text.size(), text.substr(at, size));
      break;
    default:
      text.erase(at, std::min(size, text.size() - 1));
      break;
    }
  }
  return text;
}

TEST(Compile, WhateverIsReadMakesAValidImage) {
  const uint64_t seed = std::random_device{}();
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  std::mt19937_64 random(seed);
  const std::string good =
      std::string(R"({"serial": 1, "ttl": "60", "contact": "a@b.c", "targeting": "@ country asn", "data": {)") +
      labels_of_a_pool + R"(, "s": {"srv": {"target": "a", "port": 1}, "caa": {"tag": "issue", "value": "x"}},
                           "t": {"txt": [{"txt": "x", "weight": "1"}, ["y", 2]], "ptr": "a.b", "spf": "s", "ttl": 1}}})";
  unsigned compiled = 0, refused = 0;
  for (unsigned round = 0; round < 5000; ++round) {
    const std::string text = damaged(good, random);
    SCOPED_TRACE(text);
    const ReadResult result = read(text);
    if (!result.zone)
      EXPECT_FALSE(result.findings.empty());
    else
      good_image(std::span(&*result.zone, 1));
    ++(result.zone ? compiled : refused);
  }
  EXPECT_GT(compiled, 250u);
  EXPECT_GT(refused, 1000u);
}

} // namespace
} // namespace anytick::control::test
