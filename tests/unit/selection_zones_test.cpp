#include "control/selection/zones.h"

#include <cstdio>
#include <random>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "control_zones.h"
#include "dataplane/core/dns.h"
#include "tests/unit/selection_world.h"

namespace anytick::selection::test {
namespace {

namespace dns = core::dns;
using control::test::image_answer;
using registry::VendorClient;
using registry::VendorSink;
using registry::VendorState;

/// Neither is to be borrowed or capped: what stands in zones is what servers have.
Policy plain_policy() {
  Policy policy;
  policy.backfill_servers = 0;
  policy.backfill_capacity = 0;
  policy.account_share = policy.prefix_share = policy.asn_share = 1;
  return policy;
}

World small_world() {
  World world;
  world.snapshot.tree = tree_of({"de", "uk", "zm"});
  add_server(world, "192.0.2.1", 1000, {"de"});
  add_server(world, "192.0.2.2", 2000, {"uk"});
  add_server(world, "2001:db8::1", 3000, {"de"});
  world.snapshot.roots.push_back({.origin = "pool.example",
                                  .contact = "hostmaster@pool.example",
                                  .name_servers = {"ns1.example.net", "ns2.example.net"},
                                  .static_data = {}});
  return world;
}

registry::VendorZone vendor(const std::string& name, VendorClient client, VendorState state = VendorState::approved) {
  registry::VendorZone zone{.name = name, .root = "pool.example", .throttle = {}, .note = {}};
  zone.state = state;
  zone.client = client;
  return zone;
}

struct Made {
  std::vector<control::Zone> zones;
  std::vector<std::string> findings;
};

Made made(const World& world, const Policy& policy = plain_policy(), uint32_t serial = 7) {
  const Selection selection = select(world.snapshot, world.scores, {}, policy, {}, world.now);
  control::Findings findings("registry");
  Made result{make_zones(world.snapshot, selection, policy, serial, findings), {}};
  for (const control::Finding& finding : findings.all()) result.findings.push_back(finding.text());
  return result;
}

/// Answers of the only root's image.
class Answers {
 public:
  explicit Answers(const World& world, const Policy& policy = plain_policy()) {
    const Made result = made(world, policy);
    for (const std::string& finding : result.findings) ADD_FAILURE() << finding;
    bytes_ = control::test::good_image(result.zones);
  }

  std::string of(const std::string& name, uint16_t type = dns::A, const control::test::Targets& client = {}) const {
    return image_answer(*core::ZoneImage::validate(bytes_), "pool.example.", name, type, client);
  }

 private:
  std::vector<std::byte> bytes_;
};

TEST(Zones, NamesOfTheTree) {
  const Answers answers(small_world());
  const std::string both = "a 150 draw 2: 192.0.2.1=1000 192.0.2.2=2000";
  for (const char* name : {"", "0", "3", "europe", "2.europe"}) EXPECT_EQ(answers.of(name), both) << name;
  EXPECT_EQ(answers.of("de"), "a 150 draw 1: 192.0.2.1=1000");
  EXPECT_EQ(answers.of("1.de"), "a 150 draw 1: 192.0.2.1=1000");
  EXPECT_EQ(answers.of("1.de", dns::AAAA), "aaaa 150 draw 1: 2001:db8::1=3000");
  EXPECT_EQ(answers.of("4.de"), "nxdomain");
  EXPECT_EQ(answers.of("zm"), "nodata");
  EXPECT_EQ(answers.of("0.africa"), "nodata");
  EXPECT_EQ(answers.of("", dns::NS), "ns 86400 all: ns1.example.net. ns2.example.net.");
  EXPECT_EQ(answers.of("", dns::SOA),
            "soa 1500 all: ns1.example.net. hostmaster.pool.example. 7 5400 5400 1209600 3600");
}

TEST(Zones, ClientsGetTheirCountrysOrWhatIsAboveIt) {
  const Answers answers(small_world());
  const std::string both = "a 150 draw 2: 192.0.2.1=1000 192.0.2.2=2000";
  EXPECT_EQ(answers.of("0", dns::A, {"de", "europe"}), "a 150 draw 1: 192.0.2.1=1000");
  EXPECT_EQ(answers.of("", dns::A, {"gb", "europe"}), "a 150 draw 1: 192.0.2.2=2000");
  EXPECT_EQ(answers.of("3", dns::A, {"gb", "europe"}), "a 150 draw 1: 192.0.2.2=2000");
  EXPECT_EQ(answers.of("0", dns::AAAA, {"gb", "europe"}), "aaaa 150 draw 1: 2001:db8::1=3000") << "the continent's";
  EXPECT_EQ(answers.of("0", dns::A, {"fr", "europe"}), both);
  EXPECT_EQ(answers.of("0", dns::A, {"zm", "africa"}), both);
}

TEST(Zones, TheUnitedKingdomHasTwoNames) {
  const Answers answers(small_world());
  for (const char* name : {"uk", "gb", "0.uk", "2.gb"})
    EXPECT_EQ(answers.of(name), "a 150 draw 1: 192.0.2.2=2000") << name;
  World without = small_world();
  std::erase_if(without.snapshot.tree, [](const auto& zone) { return zone.name == "uk"; });
  EXPECT_EQ(Answers(without).of("gb"), "nxdomain");
}

TEST(Zones, SplitZonesHaveEachServerOnce) {
  World world = small_world();
  for (int i = 0; i < 10; ++i) add_server(world, "198.51.100." + std::to_string(i), 1000, {"zm"});
  world.snapshot.roots[0].max_hosts = 32;
  const Answers answers(world);
  std::multiset<std::string> all;
  for (const char* part : {"0.zm", "1.zm", "2.zm", "3.zm"}) {
    std::istringstream words(answers.of(part));
    for (std::string word; words >> word;)
      if (word.find('=') != word.npos) all.insert(word);
  }
  EXPECT_EQ(all.size(), 10u);
  EXPECT_EQ(std::set(all.begin(), all.end()).size(), 10u);
}

TEST(Zones, Ipv6AsTheNtpPoolHasIt) {
  Policy policy = plain_policy();
  policy.ipv6_everywhere = false;
  const Answers answers(small_world(), policy);
  for (const char* name : {"de", "2.de", "", "2", "2.europe"})
    EXPECT_TRUE(answers.of(name, dns::AAAA).starts_with("aaaa"));
  for (const char* name : {"0.de", "1.de", "3.de", "0", "1", "3"}) EXPECT_EQ(answers.of(name, dns::AAAA), "nodata");
}

TEST(Zones, VendorsByTheirClients) {
  World world = small_world();
  world.snapshot.vendors = {vendor("acorn", VendorClient::sntp),
                            vendor("birch", VendorClient::ntp),
                            vendor("cedar", VendorClient::legacy),
                            vendor("draft", VendorClient::legacy, VendorState::draft),
                            vendor("pending", VendorClient::legacy, VendorState::pending),
                            vendor("rejected", VendorClient::legacy, VendorState::rejected),
                            vendor("elsewhere", VendorClient::legacy)};
  world.snapshot.vendors.back().root = "other.example";
  const Answers answers(world);
  const std::string german = "a 150 draw 1: 192.0.2.1=1000";
  const auto of = [&](const char* name) { return answers.of(name, dns::A, {"de", "europe"}); };
  EXPECT_EQ(of("acorn"), german);
  EXPECT_EQ(of("0.acorn"), "nxdomain");
  EXPECT_EQ(of("birch"), "nodata");
  EXPECT_EQ(of("0.birch"), german);
  EXPECT_EQ(of("3.birch"), german);
  EXPECT_EQ(of("cedar"), german);
  EXPECT_EQ(of("1.cedar"), german);
  for (const char* name : {"draft", "0.pending", "rejected", "elsewhere"}) EXPECT_EQ(of(name), "nxdomain") << name;
}

TEST(Zones, SuspendedVendors) {
  World world = small_world();
  world.snapshot.vendors = {vendor("acorn", VendorClient::legacy, VendorState::suspended),
                            vendor("birch", VendorClient::ntp, VendorState::suspended)};
  world.snapshot.vendors[1].sink = VendorSink::sink;
  Policy policy = plain_policy();
  policy.sink = {*geo::parse_address("198.51.100.1"), *geo::parse_address("2001:db8:f::1")};
  const Answers answers(world, policy);
  for (const char* name : {"acorn", "0.acorn", "3.acorn"}) {
    EXPECT_EQ(answers.of(name, dns::A, {"de", "europe"}), "nodata");
    EXPECT_EQ(answers.of(name, dns::TXT), "txt 150 all: \"the vendor zone acorn is suspended\"");
  }
  EXPECT_EQ(answers.of("2.birch"), "a 150 draw 1: 198.51.100.1=1");
  EXPECT_EQ(answers.of("2.birch", dns::AAAA), "aaaa 150 draw 1: 2001:db8:f::1=1");
  const Made without_sink = made(world);
  ASSERT_EQ(without_sink.findings.size(), 1u);
  EXPECT_EQ(without_sink.zones.size(), 1u);
  EXPECT_EQ(without_sink.findings[0],
            "registry: pool.example/data/birch: warning: vendor zone birch is to get the sink,"
            " which has no addresses: it gets none");
}

TEST(Zones, StaticData) {
  World world = small_world();
  world.snapshot.roots[0].static_data =
      R"({"": {"txt": "v=spf1 -all"}, "WWW": {"cname": "web"}, "web": {"a": "192.0.2.80", "ttl": 60}})";
  const Answers answers(world);
  EXPECT_EQ(answers.of("", dns::TXT), "txt 150 all: \"v=spf1 -all\"");
  EXPECT_EQ(answers.of("www"), "cname 150 all: web.pool.example.");
  EXPECT_EQ(answers.of("web"), "a 60 draw 1: 192.0.2.80=1");
  EXPECT_TRUE(answers.of("").starts_with("a 150 draw 2"));
}

TEST(Zones, Findings) {
  struct Case {
    const char* static_data;
    const char* vendor;
    const char* finding;
  };
  const Case cases[]{
      {"[]", "", "pool.example/static_data: fault: not an object of labels: []"},
      {"{", "", "pool.example/static_data: fault: parse error"},
      {R"({"DE": {"txt": "x"}})", "", "pool.example/data/de: fault: static_data/DE would have the label of zone de"},
      {R"({"0.gb": {"txt": "x"}})", "",
       "pool.example/data/0.gb: fault: static_data/0.gb would have the label of gb for uk"},
      {R"({"0.acorn": {"txt": "x"}})", "acorn",
       "pool.example/data/0.acorn: fault: static_data/0.acorn would have the label of vendor zone acorn"},
      {R"({"": {"a": "192.0.2.1"}})", "",
       "pool.example/static_data//a: fault: the apex has the pool's servers and the root's name servers"},
      {R"({"": {"ns": "ns9.example.net"}})", "",
       "pool.example/static_data//ns: fault: the apex has the pool's servers and the root's name servers"},
      {R"({"www": {"a": "192.0.2.300"}})", "",
       "pool.example/data/www/a: fault: \"192.0.2.300\" is not an IPv4 address"},
      {R"({"www": {"alias": "nowhere"}})", "", "pool.example/data/www/alias: fault: there is no label \"nowhere\""},
      {"", "europe", "pool.example/data/europe: fault: vendor zone europe would have the label of zone europe"},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.finding);
    World world = small_world();
    world.snapshot.roots[0].static_data = each.static_data;
    if (*each.vendor != '\0') world.snapshot.vendors = {vendor(each.vendor, VendorClient::ntp)};
    const Made result = made(world);
    EXPECT_TRUE(result.zones.empty());
    ASSERT_FALSE(result.findings.empty());
    EXPECT_TRUE(result.findings[0].starts_with(std::string("registry: ") + each.finding)) << result.findings[0];
  }
}

TEST(Zones, EachRootForItself) {
  World world = small_world();
  world.snapshot.roots.push_back(
      {.origin = "time.example", .contact = {}, .name_servers = {"ns1.example.net"}, .ttl = 30, .static_data = {}});
  world.snapshot.vendors = {vendor("acorn", VendorClient::sntp), vendor("acorn", VendorClient::ntp)};
  world.snapshot.vendors[1].root = "time.example";
  const Made result = made(world);
  EXPECT_TRUE(result.findings.empty());
  ASSERT_EQ(result.zones.size(), 2u);
  const auto bytes = control::test::good_image(result.zones);
  const core::ZoneImage image = *core::ZoneImage::validate(bytes);
  EXPECT_TRUE(image_answer(image, "pool.example.", "acorn", dns::A, {}).starts_with("a 150"));
  EXPECT_TRUE(image_answer(image, "time.example.", "0.acorn", dns::A, {}).starts_with("a 30"));
  EXPECT_EQ(image_answer(image, "pool.example.", "0.acorn", dns::A, {}), "nxdomain");
}

TEST(Zones, APoolOfNobodyIsOneToo) {
  World world;
  world.snapshot.roots.push_back(
      {.origin = "pool.example", .contact = {}, .name_servers = {"ns1.example.net"}, .static_data = {}});
  EXPECT_EQ(Answers(world).of(""), "nodata");
  world.snapshot.tree = tree_of({"de"});
  EXPECT_EQ(Answers(world).of("0.de"), "nodata");
}

TEST(Zones, DocumentReadsAsTheZoneThatIsMade) {
  const World world = small_world();
  const Selection selection = select(world.snapshot, world.scores, {}, plain_policy(), {}, world.now);
  const auto document = geodns_document(world.snapshot.roots[0], world.snapshot, selection, plain_policy(), 9);
  EXPECT_EQ(document["serial"], 9);
  EXPECT_EQ(document["ttl"], 150);
  EXPECT_EQ(document["max_hosts"], 4);
  EXPECT_EQ(document["targeting"], "@ country continent");
  EXPECT_EQ(document["data"]["0.gb"].dump(), R"({"alias":"0.uk"})");
  EXPECT_EQ(document["data"]["de"].dump(), R"({"a":[["192.0.2.1",1000]],"aaaa":[["2001:db8::1",3000]]})");
  const control::Zone zone = control::test::good_zone(document.dump());
  const Made result = made(world, plain_policy(), 9);
  EXPECT_EQ(control::test::good_image(std::span(&zone, 1)), control::test::good_image(result.zones));
}

TEST(Zones, AnyPoolCompiles) {
  const uint64_t base = std::random_device{}();
  std::printf("seeds from %llu\n", static_cast<unsigned long long>(base));
  for (uint64_t seed = base; seed < base + 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    core::Random random(seed);
    World world = make_world({.servers = random.next() % 800, .countries = random.next() % 260}, seed);
    Policy policy;
    policy.ipv6_everywhere = random.next() % 2 == 0;
    const Selection selection = select(world.snapshot, world.scores, {}, policy, world.asn_of(), world.now);
    control::Findings findings("registry");
    const auto zones = make_zones(world.snapshot, selection, policy, 1, findings);
    for (const control::Finding& finding : findings.all()) ADD_FAILURE() << finding.text();
    const auto bytes = control::test::good_image(zones);
    const core::ZoneImage image = *core::ZoneImage::validate(bytes);
    for (const ZoneServers& servers : selection.zones) {
      const std::string name = servers.zone == "@" ? "" : servers.zone;
      const uint16_t type = servers.family == geo::Family::ipv4 ? dns::A : dns::AAAA;
      const std::string answer = image_answer(image, "pool.example.", name, type, {});
      for (const Member& member : servers.members)
        ASSERT_NE(answer.find(' ' + geo::to_text(member.address) + '=' + std::to_string(member.weight)), answer.npos);
    }
    for (const registry::VendorZone& each : world.snapshot.vendors) {
      const std::string name = (each.client == VendorClient::ntp ? "0." : "") + each.name;
      EXPECT_NE(image_answer(image, "pool.example.", name, dns::A, {}), "nxdomain");
    }
  }
}

} // namespace
} // namespace anytick::selection::test
