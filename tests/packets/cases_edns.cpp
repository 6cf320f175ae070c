#include <algorithm>

#include "tests/packets/cases.h"
#include "tests/packets/world.h"

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

/// To the byte: what fits, and the first that does not.
std::vector<PacketCase> size_cases() {
  const auto ask = [](const char* description, const std::string& name, size_t text, unsigned size, bool fits) {
    const std::string fqdn = name + ".test.example";
    std::string strings;
    for (; text > 0; text -= std::min<size_t>(text, 255))
      strings += " \"" + std::string(std::min<size_t>(text, 255), 'x') + '"';
    const std::string question = fqdn + ". TXT | ";
    const std::string answer = fits ? fqdn + ". 300 TXT" + strings : "-";
    const bool opt = size > 0;
    PacketCase row{
        opt ? "edns.limit" : "dns.limit",
        description,
        Packet{.payload = Message{.name = fqdn, .type = 16, .flags = 0, .edns = opt, .udp_size = size}.bytes()}.bytes(),
        std::string("NOERROR qr aa") + (fits ? "" : " tc") + " | " + question + answer + " | - | " +
            (opt ? "OPT 1232" : "-"),
        {Counter::dns_answered, Counter::rcode_noerror}};
    if (!fits) row.counters.push_back(Counter::dns_truncated);
    if (opt) row.counters.push_back(Counter::dns_edns);
    return row;
  };
  constexpr size_t e = e512_text, f = f1232_text;
  return {
      ask("512 bytes", "e512", e, 0, true),
      ask("513 bytes", "e513", e + 1, 0, false),
      ask("512 bytes and the OPT, and as much room", "e512", e, 523, true),
      ask("a byte less room", "e512", e, 522, false),
      ask("a size of 511 means 512", "e512", e, 511, false),
      ask("1,232 bytes", "f1232", f, 1232, true),
      ask("a byte less room than 1,232", "f1232", f, 1231, false),
      ask("1,233 bytes and room for them: we send no more than 1,232", "f1233", f + 1, 1233, false),
      ask("the largest size there is", "f1232", f, 65535, true),
      ask("the largest size there is is not ours", "f1233", f + 1, 65535, false),
  };
}

/// Replies of every kind have their OPT, if the query had one.
std::vector<PacketCase> kind_cases() {
  const std::string soa = "test.example. 3000 SOA ns1.test.example. hostmaster.test.example. 7 5400 5400 1209600 3600";
  const std::vector<Counter> refused{Counter::dns_answered, Counter::rcode_refused, Counter::dns_edns};
  return {
      row("edns.kind", "NODATA", {.name = "text.test.example"},
          "NOERROR qr aa | text.test.example. A | - | " + soa + " | OPT 1232",
          {Counter::dns_answered, Counter::rcode_noerror, Counter::dns_nodata, Counter::dns_edns}),
      row("edns.kind", "a referral", {.name = "lame.test.example"},
          "NOERROR qr | lame.test.example. A | - | lame.test.example. 86400 NS ns1.example.net., lame.test.example. "
          "86400 NS ns2.example.net. | OPT 1232",
          {Counter::dns_answered, Counter::rcode_noerror, Counter::dns_referral, Counter::dns_edns}),
      row("edns.kind", "ANY", {.type = 255},
          "NOERROR qr aa | 0.test.example. ANY | 0.test.example. 3600 HINFO \"RFC8482\" \"\" | - | OPT 1232", edns),
      row("edns.kind", "a refused type", {.type = 252}, "REFUSED qr | 0.test.example. TYPE252 | - | - | OPT 1232",
          refused),
      row("edns.kind", "a refused class", {.klass = 255}, "REFUSED qr | 0.test.example. A CLASS255 | - | - | OPT 1232",
          refused),
      row("edns.kind", "a type that is none to ask for", {.type = 250},
          "FORMERR qr | 0.test.example. TYPE250 | - | - | OPT 1232", edns_formerr),
      row("edns.kind", "CH", {.name = "id.server", .type = 16, .klass = 3},
          "NOERROR qr aa | id.server. TXT CLASS3 | id.server. 0 CH TXT \"pop1.example\" | - | OPT 1232",
          {Counter::dns_answered, Counter::rcode_noerror, Counter::dns_chaos, Counter::dns_edns}),
      row("edns.kind", "BADVERS and DO", {.edns_version = 1, .edns_flags = 0x8000},
          "BADVERS qr | 0.test.example. A | - | - | OPT 1232 do",
          {Counter::dns_answered, Counter::rcode_badvers, Counter::dns_edns}),
      row("edns.kind", "a question that cannot be read has no OPT", {.question = from_hex("c00c00010001")},
          "FORMERR qr | - | - | - | -", {Counter::dns_answered, Counter::rcode_formerr}),
  };
}

std::vector<PacketCase> unusable_subnets() {
  std::vector<PacketCase> cases;
  for (const std::string prefix :
       {"0.1.0.0/16", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
        "224.0.0.0/4", "255.255.255.255/32", "fe80::/10", "::1/128", "ff02::/16"})
    cases.push_back(row("ecs.private", "says nothing: the source decides", {.options = {subnet(prefix)}},
                        answered(us, " ECS " + prefix + "/0"), edns_ecs));
  return cases;
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
      row("ecs.source-zero", "IPv6", {.options = {subnet("2001:db8:1::/0")}}, answered(us, " ECS ::/0/0"), edns_ecs),
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
      bad("empty", {{8, {}}}),
      bad("an address where there is no prefix", {{8, {0, 1, 0, 0, 198}}}),
      bad("family 0 with an address", {{8, {0, 0, 0, 0, 198}}}),
      bad("IPv6 address too short", {{8, {0, 2, 56, 0, 0x20, 1, 0x0d, 0xb8, 0, 1}}}),
      bad("IPv6 bits beyond the prefix", {{8, {0, 2, 33, 0, 0x20, 1, 0x0d, 0xb8, 1}}}),
      bad("a scope where there is no prefix", {{8, {0, 1, 0, 24}}}),
      bad("one behind a good cookie's place", {{10, Bytes(8, 1)}, {8, {0, 3, 0, 0}}}),
      bad("two of them", {subnet("198.51.100.0/24"), subnet("198.51.100.0/24")}),
  };
}

} // namespace

std::vector<PacketCase> edns_cases() {
  std::vector<PacketCase> cases;
  for (const auto& part :
       {opt_cases(), size_cases(), kind_cases(), subnet_cases(), unusable_subnets(), subnet_errors()})
    cases.insert(cases.end(), part.begin(), part.end());
  return cases;
}

} // namespace anytick::test
