#include "tests/packets/cases.h"

namespace anytick::test {
namespace {

using core::Counter;

const std::vector<Counter> edns{Counter::dns_answered, Counter::rcode_noerror, Counter::dns_edns};
const std::vector<Counter> edns_ecs{Counter::dns_answered, Counter::rcode_noerror, Counter::dns_edns, Counter::dns_ecs};
const std::vector<Counter> edns_formerr{Counter::dns_answered, Counter::rcode_formerr, Counter::dns_edns};

PacketCase row(const char* rule, const char* description, Message message, std::string reply,
               std::vector<Counter> counters, const char* from = "192.0.2.1") {
  message.edns = true;
  message.flags = 0;
  return {rule, description, Packet{.payload = message.bytes(), .from = from}.bytes(), std::move(reply),
          std::move(counters)};
}

std::string answered(const std::string& address, const std::string& opt) {
  const std::string ttl = address == "203.0.113.12" ? " 60 A " : " 300 A ";
  return "NOERROR qr aa | 0.test.example. A | 0.test.example." + ttl + address + " | - | OPT 1232" + opt;
}
const std::string us = "203.0.113.11", fr = "203.0.113.12", nowhere = "203.0.113.10";
const std::string formerr = "FORMERR qr | 0.test.example. A | - | - | OPT 1232";

Bytes raw_opt(const char* owner, const char* rest) {
  return from_hex(std::string(owner) + "0029" + rest);
}

std::vector<PacketCase> opt_cases() {
  const std::string big = "NOERROR qr aa | big.test.example. TXT | ";
  const std::string tail =
      "123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789";
  std::string records;
  for (int i = 0; i < 5; ++i)
    records += std::string(i > 0 ? ", " : "") + "big.test.example. 300 TXT \"" + std::to_string(i) + tail + "\"";
  const auto with_opt = [](const Bytes& opt, unsigned count) {
    return Packet{.payload = Message{.flags = 0, .before_opt = opt, .counts = {1, 0, 0, count}}.bytes()}.bytes();
  };
  Bytes two = raw_opt("00", "1000 00000000 0000");
  append(two, two);
  return {
      row("edns.plain", "an OPT in, an OPT out", {}, answered(us, ""), edns),
      row("edns.do", "DO is copied", {.edns_flags = 0x8000}, answered(us, " do"), edns),
      row("edns.flags", "other flags are not", {.edns_flags = 0x7fff}, answered(us, ""), edns),
      row("edns.option", "unknown options are ignored", {.options = {{65001, {1, 2, 3}}, {5, {}}}}, answered(us, ""),
          edns),
      row("edns.version", "BADVERS with our version", {.edns_version = 1},
          "BADVERS qr | 0.test.example. A | - | - | OPT 1232",
          {Counter::dns_answered, Counter::rcode_badvers, Counter::dns_edns}),
      row("edns.version", "what a later version's options mean is not ours to judge",
          {.edns_version = 255, .options = {{8, {9}}}}, "BADVERS qr | 0.test.example. A | - | - | OPT 1232",
          {Counter::dns_answered, Counter::rcode_badvers, Counter::dns_edns}),
      {"edns.twice", "two OPTs", with_opt(two, 2), formerr, edns_formerr},
      {"edns.owner", "an OPT that is not the root's", with_opt(raw_opt("0161 00", "1000 00000000 0000"), 1), formerr,
       edns_formerr},
      {"edns.section", "an OPT among the answers",
       Packet{
           .payload =
               Message{.flags = 0, .before_opt = raw_opt("00", "1000 00000000 0000"), .counts = {1, 1, 0, 0}}.bytes()}
           .bytes(),
       formerr, edns_formerr},
      {"edns.option", "an OPT longer than the message", with_opt(raw_opt("00", "1000 00000000 0004 fde8"), 1), formerr,
       edns_formerr},
      {"edns.option", "cut inside an option's head", with_opt(raw_opt("00", "1000 00000000 0003 000800"), 1), formerr,
       edns_formerr},
      {"edns.option", "an option longer than the OPT", with_opt(raw_opt("00", "1000 00000000 0004 fde80001"), 1),
       formerr, edns_formerr},
      row("edns.size", "600 bytes fit into 1232", {.name = "big.test.example", .type = 16},
          big + records + " | - | OPT 1232", edns),
      row("edns.size", "a size below 512 means 512", {.name = "big.test.example", .type = 16, .udp_size = 100},
          "NOERROR qr aa tc | big.test.example. TXT | - | - | OPT 1232",
          {Counter::dns_answered, Counter::rcode_noerror, Counter::dns_truncated, Counter::dns_edns}),
      row("edns.refused", "REFUSED has an OPT too", {.name = "example.net"},
          "REFUSED qr | example.net. A | - | - | OPT 1232",
          {Counter::dns_answered, Counter::rcode_refused, Counter::dns_edns}),
      row("edns.nxdomain", "NXDOMAIN has an OPT too", {.name = "nothing.test.example"},
          "NXDOMAIN qr aa | nothing.test.example. A | - | test.example. 3000 SOA ns1.test.example. "
          "hostmaster.test.example. 7 5400 5400 1209600 3600 | OPT 1232",
          {Counter::dns_answered, Counter::rcode_nxdomain, Counter::dns_edns}),
  };
}

std::vector<PacketCase> subnet_cases() {
  return {
      row("ecs.locate", "the client subnet decides, not the resolver", {.options = {subnet("198.51.100.0/24")}},
          answered(fr, " ECS 198.51.100.0/24/24"), edns_ecs),
      row("ecs.locate", "IPv6", {.options = {subnet("2001:db8:1::/56")}}, answered(us, " ECS 2001:db8:1::/56/48"),
          edns_ecs, "198.51.100.1"),
      row("ecs.scope", "as wide as the map allows", {.options = {subnet("100.200.0.0/16")}},
          answered(nowhere, " ECS 100.200.0.0/16/9"), edns_ecs),
      row("ecs.scope", "longer than the source where the map is finer", {.options = {subnet("198.51.96.0/20")}},
          answered(nowhere, " ECS 198.51.96.0/20/22"), edns_ecs),
      row("ecs.scope", "0 where everybody gets the same",
          {.name = "constant.test.example", .options = {subnet("198.51.100.0/24")}},
          "NOERROR qr aa | constant.test.example. A | constant.test.example. 300 A 203.0.113.20 | - | OPT 1232 ECS "
          "198.51.100.0/24/0",
          edns_ecs),
      row("ecs.scope", "a CNAME leads to what is tailored",
          {.name = "www.test.example", .options = {subnet("198.51.100.0/24")}},
          "NOERROR qr aa | www.test.example. A | 0.test.example. 60 A 203.0.113.12, www.test.example. 300 CNAME "
          "0.test.example. | - | OPT 1232 ECS 198.51.100.0/24/24",
          edns_ecs),
      row("ecs.scope", "an empty answer is tailored too",
          {.name = "only.test.example", .options = {subnet("192.0.2.0/24")}},
          "NOERROR qr aa | only.test.example. A | - | test.example. 3000 SOA ns1.test.example. "
          "hostmaster.test.example. 7 "
          "5400 5400 1209600 3600 | OPT 1232 ECS 192.0.2.0/24/24",
          {Counter::dns_answered, Counter::rcode_noerror, Counter::dns_nodata, Counter::dns_edns, Counter::dns_ecs}),
      row("ecs.location", "what the subnet is taken for, as wide as it is true",
          {.name = "_country.test.example", .type = 16, .options = {subnet("100.200.0.0/16")}},
          "NOERROR qr aa | _country.test.example. TXT | _country.test.example. 1 TXT \"subnet=100.128.0.0/9\" "
          "\"continent=asia\" \"country=jp\" | - | OPT 1232 ECS 100.200.0.0/16/9",
          edns_ecs),
      row("ecs.location", "IPv6",
          {.name = "_country.test.example", .type = 16, .options = {subnet("2001:db8:1:ab00::/56")}},
          "NOERROR qr aa | _country.test.example. TXT | _country.test.example. 1 TXT \"subnet=2001:db8:1::/48\" "
          "\"continent=north-america\" \"country=us\" | - | OPT 1232 ECS 2001:db8:1:ab00::/56/48",
          edns_ecs),
      row("ecs.source-zero", "the client does not want to be located", {.options = {subnet("198.51.100.0/0")}},
          answered(us, " ECS 0.0.0.0/0/0"), edns_ecs),
      row("ecs.source-zero", "family 0, as dig +subnet=0 sends it", {.options = {{8, {0, 0, 0, 0}}}},
          answered(us, " ECS 0.0.0.0/0/0 family 0"), edns_ecs),
      row("ecs.private", "10/8 says nothing", {.options = {subnet("10.1.2.0/24")}}, answered(us, " ECS 10.1.2.0/24/0"),
          edns_ecs),
      row("ecs.private", "nor does fd00::/8", {.options = {subnet("fd12:3456::/32")}},
          answered(us, " ECS fd12:3456::/32/0"), edns_ecs),
      row("ecs.refused", "given back with scope 0", {.name = "example.net", .options = {subnet("198.51.100.0/24")}},
          "REFUSED qr | example.net. A | - | - | OPT 1232 ECS 198.51.100.0/24/0",
          {Counter::dns_answered, Counter::rcode_refused, Counter::dns_edns, Counter::dns_ecs}),
  };
}

std::vector<PacketCase> subnet_errors() {
  const auto bad = [](const char* description, std::vector<Option> options) {
    return row("ecs.formerr", description, {.options = std::move(options)}, formerr, edns_formerr);
  };
  return {
      bad("shorter than its fixed part", {{8, {0, 1, 24}}}),
      bad("unknown family", {{8, {0, 3, 0, 0}}}),
      bad("family 0 with a length", {{8, {0, 0, 8, 0, 10}}}),
      bad("IPv4 prefix over 32", {{8, {0, 1, 33, 0, 1, 2, 3, 4, 5}}}),
      bad("IPv6 prefix over 128", {{8, {0, 2, 129, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17}}}),
      bad("address too short", {{8, {0, 1, 24, 0, 198, 51}}}),
      bad("address too long", {{8, {0, 1, 24, 0, 198, 51, 100, 0}}}),
      bad("bits beyond the prefix", {{8, {0, 1, 23, 0, 198, 51, 101}}}),
      bad("a scope in a query", {subnet("198.51.100.0/24", 24)}),
      bad("two of them", {subnet("198.51.100.0/24"), subnet("198.51.100.0/24")}),
  };
}

} // namespace

std::vector<PacketCase> edns_cases() {
  std::vector<PacketCase> cases;
  for (const auto& part : {opt_cases(), subnet_cases(), subnet_errors()})
    cases.insert(cases.end(), part.begin(), part.end());
  return cases;
}

} // namespace anytick::test
