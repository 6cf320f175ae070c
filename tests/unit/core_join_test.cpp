#include "dataplane/core/join.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "dataplane/core/random.h"
#include "tests/packets/render.h"
#include "tests/packets/world.h"

namespace anytick::core {
namespace {

using test::Message;
using test::World;

std::string ask(const World& world, const std::string& name, const std::string& client_subnet, unsigned type = dns::A) {
  test::Bytes message =
      Message{.name = name, .type = type, .flags = 0, .edns = true, .options = {test::subnet(client_subnet)}}.bytes();
  const size_t length = message.size();
  message.resize(2000);
  WorkerState worker(1);
  const Client client{geo::Address::ipv4(0x01010101), true};
  message.resize(answer(world.view(), worker, client, message.data(), length, message.size()));
  return test::render(message);
}

/// The addresses of the answer, without the client subnet.
std::string answer_of(const std::string& rendered) {
  return rendered.substr(0, rendered.find(" ECS "));
}
unsigned scope_of(const std::string& rendered) {
  return static_cast<unsigned>(std::stoul(rendered.substr(rendered.rfind('/') + 1)));
}

std::string address_text(uint32_t address) {
  std::ostringstream text;
  text << (address >> 24) << '.' << (address >> 16 & 255) << '.' << (address >> 8 & 255) << '.' << (address & 255);
  return text.str();
}

constexpr const char* every_target =
    R"({"serial": 1, "targeting": "@ continent country regiongroup region asn ip", "data": {
    "": {"ns": ["ns.example."]}, "0": {"a": "192.0.2.1"}, "0.north-america": {"a": "192.0.2.2"}, "0.us": {"a": "192.0.2.3"},
    "0.us-west": {"a": "192.0.2.4"}, "0.us-ca": {"a": "192.0.2.5"}, "0.as64500": {"a": "192.0.2.6"},
    "0.[11.3.0.0]": {"a": "192.0.2.7"}, "0.[11.3.0.9]": {"a": "192.0.2.8"}, "0.[2600:1:2::]": {"a": "192.0.2.9"},
    "vendor": {"alias": "0"}, "0.[11.3.0.10]": {"alias": "only"}, "only.us": {"a": "192.0.2.10"},
    "0.ru-vfd": {"a": "192.0.2.11"}}})";
constexpr const char* every_place = R"(
11.0.0.0/24 country=ca
11.1.0.0/24 country=us
11.2.0.0/24 region=us-or
11.2.1.0/24 region=us-ny
11.3.0.0/16 region=us-ca
11.4.0.0/24 country=us asn=64500
11.5.0.0/24 region=ru-spe
2600:1::/32 country=de
)";

struct TargetCase {
  const char* client;
  const char* answer;
  unsigned scope;
  const char* why;
};

// One line each: who asks, what it gets, how far that holds.
TEST(Targets, FinestFirst) {
  const World world({{"pool.example", every_target}}, every_place);
  const TargetCase cases[] = {
      {"12.0.0.0/24", "192.0.2.1", 6, "nowhere: @"},
      {"11.0.0.0/24", "192.0.2.2", 24, "continent"},
      {"11.1.0.0/24", "192.0.2.3", 24, "country"},
      {"11.2.0.0/24", "192.0.2.4", 24, "region group"},
      {"11.2.1.0/24", "192.0.2.3", 24, "a region whose group has no label"},
      {"11.3.1.0/24", "192.0.2.5", 24, "region, and the next block is targeted"},
      {"11.3.128.0/24", "192.0.2.5", 17, "region, far from the targeted block"},
      {"11.3.0.9/32", "192.0.2.8", 32, "address before its block"},
      {"11.3.0.200/32", "192.0.2.7", 25, "block, up to the addresses in it"},
      {"11.3.0.10/32", "192.0.2.10", 32, "an alias by address, with the client's other targets"},
      {"11.4.0.0/24", "192.0.2.6", 24, "ASN before country"},
      {"11.5.0.0/24", "192.0.2.11", 24, "a federal district"},
      {"2600:1:2::/56", "192.0.2.9", 48, "IPv6 block"},
      {"2600:1:3::/56", "192.0.2.1", 48, "IPv6 beside it"},
  };
  for (const TargetCase& each : cases)
    for (const char* name : {"0.pool.example", "vendor.pool.example"}) {
      SCOPED_TRACE(std::string(name) + ' ' + each.client + ": " + each.why);
      const std::string reply = ask(world, name, each.client);
      EXPECT_NE(reply.find(std::string(" A ") + each.answer + " |"), std::string::npos) << reply;
      EXPECT_EQ(scope_of(reply), each.scope) << reply;
    }
}

// Locations in a small space, so that blocks nest and touch; one record a set, so that answers can be compared.
std::string random_overrides(Random& random) {
  constexpr const char* countries[] = {"us", "ca", "de", "fr", "jp"};
  std::ostringstream text;
  std::vector<std::string> seen;
  for (int i = 0; i < 60; ++i) {
    const unsigned length = 8 + static_cast<unsigned>(random.next() % 25);
    const uint32_t address = (0x0b000000 | static_cast<uint32_t>(random.next() & 0x00ffffff)) & (~0u << (32 - length));
    const std::string prefix = address_text(address) + '/' + std::to_string(length);
    if (std::find(seen.begin(), seen.end(), prefix) != seen.end()) continue;
    seen.push_back(prefix);
    text << prefix << " country=" << countries[random.next() % 5] << " asn=" << 64500 + random.next() % 3 << '\n';
  }
  return text.str();
}

std::string random_zone(Random& random) {
  constexpr const char* targets[] = {
      ".us",   ".ca",      ".de",      ".fr",         ".jp",          ".europe",      ".north-america",
      ".asia", ".as64500", ".as64501", ".[11.0.0.0]", ".[11.77.3.0]", ".[11.77.3.4]", ""};
  constexpr const char* targetings[] = {"country continent @", "country @", "continent @",
                                        "asn country @ ip",    "ip @",      "asn @"};
  std::ostringstream text;
  text << R"({"serial": 1, "targeting": ")" << targetings[random.next() % std::size(targetings)]
       << R"(", "data": {"": {"ns": ["ns.example."]})";
  for (int label = 0; label < 3; ++label)
    for (const char* target : targets)
      if (random.next() % 3 == 0)
        text << ", \"" << label << target << R"(": {"a": [["192.0.2.)" << random.next() % 250 << R"("]]})";
  text << R"(, "x": {"alias": "0"}, "0": {"a": [["192.0.2.251"]]}}})";
  std::string json = text.str();
  // "0" may have been drawn above: the one at the end would be its duplicate.
  const size_t first = json.find("\"0\": {");
  if (const size_t last = json.rfind(", \"0\": {"); last + 2 != first) json.erase(last, json.size() - 2 - last);
  return json;
}

// The honest scope (RFC 7871 7.2.1): whoever is inside the returned prefix gets the same RRset.
TEST(Scope, EveryAddressInsideGetsTheSame) {
  const uint64_t seed = 4711;
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  for (int round = 0; round < 30; ++round) {
    const std::string zone = random_zone(random);
    const std::string overrides = random_overrides(random);
    const World world({{"pool.example", zone}}, overrides);
    for (int i = 0; i < 200; ++i) {
      const bool location = i % 5 == 0; // "_country" depends on every level
      const unsigned type = location ? dns::TXT : dns::A;
      const std::string label = location ? "_country" : std::string(1, "012x"[random.next() % 4]);
      const std::string name = label + ".pool.example";
      uint32_t client = 0x0b000000 | static_cast<uint32_t>(random.next() & 0x00ffffff);
      if (i % 4 == 0) client = 0x0b4d0300 | (client & 0xff); // around the targets by address
      const std::string reply = ask(world, name, address_text(client) + "/32", type);
      const unsigned scope = scope_of(reply);
      ASSERT_LE(scope, 32u);
      const uint32_t host_mask = scope == 0 ? ~0u : (scope == 32 ? 0u : ~0u >> scope);
      for (int inside = 0; inside < 20; ++inside) {
        uint32_t other = (client & ~host_mask) | (static_cast<uint32_t>(random.next()) & host_mask);
        if (scope < 8) other = 0x0b000000 | (other & 0x00ffffff); // stay where clients can be located
        const std::string same = ask(world, name, address_text(other) + "/32", type);
        ASSERT_EQ(answer_of(same), answer_of(reply)) << name << ' ' << address_text(client) << " scope " << scope
                                                     << ", inside it " << address_text(other) << '\n'
                                                     << zone << '\n'
                                                     << overrides;
      }
    }
  }
}

TEST(Join, EqualAnswersShareAClass) {
  const World world({{"pool.example", R"({"serial": 1, "targeting": "country continent @", "data": {
      "": {"ns": ["ns.example."]}, "0": {"a": [["192.0.2.1"]]}, "0.us": {"a": [["192.0.2.2"]]}}})"}},
                    "11.0.0.0/16 country=us\n11.1.0.0/16 country=de\n11.2.0.0/16 country=fr\n11.3.0.0/16 country=jp\n");
  EXPECT_EQ(world.join().class_count(0), 2u);
}

// Labels that ask for other kinds of targets have classes and scopes of their own.
TEST(Join, KindsOfTargetsDoNotMultiply) {
  const World world({{"pool.example", R"({"serial": 1, "targeting": "asn country @ ip", "data": {
      "": {"ns": ["ns.example."]}, "0": {"a": "192.0.2.1"}, "0.us": {"a": "192.0.2.2"}, "0.de": {"a": "192.0.2.3"},
      "1": {"a": "192.0.2.4"}, "1.as64500": {"a": "192.0.2.5"}, "1.as64501": {"a": "192.0.2.6"},
      "2": {"alias": "0"}, "2.as64500": {"alias": "1"}, "3": {"a": "192.0.2.7"}, "3.[11.0.2.0]": {"a": "192.0.2.8"}}})"}},
                    "11.0.0.0/16 country=us\n11.0.1.0/24 country=us asn=64500\n11.1.0.0/16 country=de asn=64501\n");
  EXPECT_EQ(world.join().class_count(0), 3u + 3u + 4u + 2u);
  const struct {
    const char *name, *client, *address;
    unsigned scope;
  } cases[] = {
      {"0", "11.0.1.0/24", "192.0.2.2", 16}, {"1", "11.0.1.0/24", "192.0.2.5", 24},
      {"2", "11.0.1.0/24", "192.0.2.5", 24}, {"2", "11.0.128.0/24", "192.0.2.2", 17},
      {"3", "11.0.1.0/24", "192.0.2.7", 23}, {"3", "11.0.2.0/24", "192.0.2.8", 24},
      {"0", "11.1.1.0/24", "192.0.2.3", 16},
  };
  for (const auto& each : cases) {
    SCOPED_TRACE(std::string(each.name) + ' ' + each.client);
    const std::string reply = ask(world, std::string(each.name) + ".pool.example", each.client);
    EXPECT_NE(reply.find(std::string(" A ") + each.address + " |"), std::string::npos) << reply;
    EXPECT_EQ(scope_of(reply), each.scope) << reply;
  }
}

TEST(Join, NothingTailoredNeedsNoClasses) {
  const World world({{"pool.example", R"({"serial": 1, "data": {
      "": {"ns": ["ns.example."]}, "0": {"a": [["192.0.2.1"]]}}})"}},
                    "11.0.0.0/16 country=us\n");
  EXPECT_EQ(world.join().class_count(0), 0u);
  EXPECT_EQ(scope_of(ask(world, "0.pool.example", "11.0.0.0/24")), 0u);
}

TEST(Join, SeveralZonesInOneImage) {
  const World world(
      {{"a.example", R"({"serial": 1, "data": {"": {"ns": ["ns.example."]}, "0": {"a": [["192.0.2.1"]]},
                                        "0.us": {"a": [["192.0.2.3"]]}}})"},
       {"b.example",
        R"({"serial": 2, "targeting": "@", "data": {"": {"ns": ["ns.example."]}, "0": {"a": [["192.0.2.2"]]},
                                        "0.us": {"a": [["192.0.2.4"]]}}})"}},
      "11.0.0.0/16 country=us\n");
  EXPECT_NE(ask(world, "0.a.example", "11.0.0.0/24").find(" 192.0.2.3 "), std::string::npos);
  EXPECT_NE(ask(world, "0.b.example", "11.0.0.0/24").find(" 192.0.2.2 "), std::string::npos) << "targets @ alone";
}

} // namespace
} // namespace anytick::core
