#include "tests/packets/cases.h"

namespace anytick::test {
namespace {

using core::Counter;

PacketCase row(const char* rule, const char* description, const Message& message, std::string reply,
               std::vector<Counter> counters) {
  return {rule, description, Packet{.payload = message.bytes()}.bytes(), std::move(reply), std::move(counters)};
}

PacketCase raw(const char* rule, const char* description, Bytes payload, std::string reply,
               std::vector<Counter> counters) {
  return {rule, description, Packet{.payload = std::move(payload)}.bytes(), std::move(reply), std::move(counters)};
}

const std::vector<Counter> noerror{Counter::dns_answered, Counter::rcode_noerror};
const std::vector<Counter> formerr{Counter::dns_answered, Counter::rcode_formerr};
const std::vector<Counter> refused{Counter::dns_answered, Counter::rcode_refused};
const std::vector<Counter> notimp{Counter::dns_answered, Counter::rcode_notimp};
const std::vector<Counter> nodata{Counter::dns_answered, Counter::rcode_noerror, Counter::dns_nodata};

const std::string us = " | 0.test.example. A | 0.test.example. 300 A 203.0.113.11 | - | -";
const std::string soa = "test.example. 3000 SOA ns1.test.example. hostmaster.test.example. 7 5400 5400 1209600 3600";

std::vector<PacketCase> header_cases() {
  return {
      raw("dns.short", "empty", {}, "", {Counter::drop_dns_short}),
      raw("dns.short", "11 bytes", Bytes(11, 0), "", {Counter::drop_dns_short}),
      row("dns.response", "QR set", {.flags = 0x8100}, "", {Counter::drop_dns_response}),
      row("dns.response", "QR set with another opcode", {.flags = 0xa800}, "", {Counter::drop_dns_response}),
      row("dns.opcode", "IQUERY", {.flags = 0x0900}, "NOTIMP opcode=1 qr | - | - | - | -", notimp),
      row("dns.opcode", "NOTIFY with flags", {.flags = 0x2530}, "NOTIMP opcode=4 qr | - | - | - | -", notimp),
      raw("dns.opcode", "opcode 15, header only", from_hex("1234 7900 0000 0000 0000 0000"),
          "NOTIMP opcode=15 qr | - | - | - | -", notimp),
      row("dns.opcode", "UPDATE with an OPT: none comes back", {.flags = 0x2800, .edns = true},
          "NOTIMP opcode=5 qr | - | - | - | -", notimp),
      row("dns.opcode", "before any count", {.flags = 0x1000, .counts = {0, 9, 9, 9}},
          "NOTIMP opcode=2 qr | - | - | - | -", notimp),
      row("dns.qdcount", "65,535", {.counts = {65535, 0, 0, 0}}, "FORMERR qr rd | - | - | - | -", formerr),
      row("dns.qdcount", "none", {.counts = {0, 0, 0, 0}}, "FORMERR qr rd | - | - | - | -", formerr),
      row("dns.qdcount", "two", {.counts = {2, 0, 0, 0}}, "FORMERR qr rd | - | - | - | -", formerr),
      row("dns.flags", "RD is copied when clear", {.flags = 0}, "NOERROR qr aa" + us, noerror),
      row("dns.flags", "AA, TC, RA, Z, AD and CD mean nothing in a query", {.flags = 0x06f0}, "NOERROR qr aa" + us,
          noerror),
      row("dns.flags", "an RCODE means nothing in a query", {.flags = 0x0105}, "NOERROR qr aa rd" + us, noerror),
  };
}

std::vector<PacketCase> single_flags() {
  std::vector<PacketCase> cases;
  for (const auto& [flag, name] :
       {std::pair{0x0400u, "AA"}, {0x0200u, "TC"}, {0x0080u, "RA"}, {0x0040u, "Z"}, {0x0020u, "AD"}, {0x0010u, "CD"}})
    cases.push_back(row("dns.flags", name, {.flags = flag}, "NOERROR qr aa" + us, noerror));
  return cases;
}

std::vector<PacketCase> question_cases() {
  const std::string header_only = "FORMERR qr rd | - | - | - | -";
  const std::string label63(63, 'x');
  const std::string long_name = label63 + '.' + label63 + '.' + label63 + '.' + std::string(48, 'y') + ".test.example";
  Bytes too_long = wire_name(std::string(63, 'x') + '.' + label63 + '.' + label63 + '.' + std::string(63, 'y'));
  append32(too_long, 0x00010001);
  Bytes one_too_long = wire_name(label63 + '.' + label63 + '.' + label63 + '.' + std::string(62, 'y'));
  append32(one_too_long, 0x00010001);
  return {
      raw("dns.question", "cut inside the name", from_hex("beef0100000100000000000004746573"), header_only, formerr),
      raw("dns.question", "cut before the class", from_hex("beef01000001000000000000 00 0001 00"), header_only,
          formerr),
      row("dns.question", "a compression pointer", {.question = from_hex("c00c00010001")}, header_only, formerr),
      row("dns.question", "a label of 64 bytes", {.question = from_hex("40" + to_hex(Bytes(64, 'a')) + "0000010001")},
          header_only, formerr),
      row("dns.question", "a label type that nobody has", {.question = from_hex("8161 00 00010001")}, header_only,
          formerr),
      row("dns.question", "a pointer behind a label", {.question = from_hex("0130 c00c 00010001")}, header_only,
          formerr),
      row("dns.question", "a name of 256 bytes", {.question = one_too_long}, header_only, formerr),
      row("dns.question", "a name of 257 bytes", {.question = too_long}, header_only, formerr),
      row("dns.question", "a name of 255 bytes", {.name = long_name},
          "NXDOMAIN qr aa rd | " + long_name + ". A | - | " + soa + " | -",
          {Counter::dns_answered, Counter::rcode_nxdomain}),
      row("dns.case", "names compare case-insensitively, the question is echoed", {.name = "0.TeSt.eXaMpLe"},
          "NOERROR qr aa rd | 0.TeSt.eXaMpLe. A | 0.TeSt.eXaMpLe. 300 A 203.0.113.11 | - | -", noerror),
      row("dns.trailing", "a byte behind the message", {.after = {0}}, "FORMERR qr rd | 0.test.example. A | - | - | -",
          formerr),
      row("dns.records", "an answer record announced but missing", {.counts = {1, 1, 0, 0}},
          "FORMERR qr rd | 0.test.example. A | - | - | -", formerr),
      row("dns.records", "an authority record is stepped over",
          {.before_opt = from_hex("c00c 0006 0001 00000000 0004 00000000"), .counts = {1, 0, 1, 0}},
          "NOERROR qr aa rd" + us, noerror),
      row("dns.records", "an unknown additional record is stepped over",
          {.before_opt = from_hex("01 61 c00c ff01 0001 00000000 0001 00"), .counts = {1, 0, 0, 1}},
          "NOERROR qr aa rd" + us, noerror),
      row("dns.records", "RDATA beyond the message",
          {.before_opt = from_hex("00 ff01 0001 00000000 0002 00"), .counts = {1, 0, 0, 1}},
          "FORMERR qr rd | 0.test.example. A | - | - | -", formerr),
  };
}

std::vector<PacketCase> type_cases() {
  const auto question = [](const std::string& type) { return " qr rd | 0.test.example. " + type + " | - | - | -"; };
  const auto empty = [](const std::string& type) {
    return "NOERROR qr aa rd | 0.test.example. " + type + " | - | " + soa + " | -";
  };
  return {
      row("dns.class", "CH", {.klass = 3}, "REFUSED qr rd | 0.test.example. A CLASS3 | - | - | -", refused),
      row("dns.class", "ANY", {.klass = 255}, "REFUSED qr rd | 0.test.example. A CLASS255 | - | - | -", refused),
      row("dns.class", "HS", {.klass = 4}, "REFUSED qr rd | 0.test.example. A CLASS4 | - | - | -", refused),
      row("dns.class", "NONE", {.klass = 254}, "REFUSED qr rd | 0.test.example. A CLASS254 | - | - | -", refused),
      row("dns.type", "0", {.type = 0}, "FORMERR" + question("TYPE0"), formerr),
      row("dns.type", "OPT", {.type = 41}, "FORMERR" + question("TYPE41"), formerr),
      row("dns.type", "TSIG", {.type = 250}, "FORMERR" + question("TYPE250"), formerr),
      row("dns.type", "AXFR", {.type = 252}, "REFUSED" + question("TYPE252"), refused),
      row("dns.type", "IXFR", {.type = 251}, "REFUSED" + question("TYPE251"), refused),
      row("dns.type", "MAILA", {.type = 254}, empty("TYPE254"), nodata),
      row("dns.type", "MAILB", {.type = 253}, empty("TYPE253"), nodata),
      row("dns.type", "HTTPS", {.type = 65}, empty("TYPE65"), nodata),
      row("dns.type", "unknown", {.type = 65280}, empty("TYPE65280"), nodata),
      row("dns.any", "HINFO (RFC 8482)", {.type = 255},
          "NOERROR qr aa rd | 0.test.example. ANY | 0.test.example. 3600 HINFO \"RFC8482\" \"\" | - | -", noerror),
      row("dns.any", "at a CNAME", {.name = "www.test.example", .type = 255},
          "NOERROR qr aa rd | www.test.example. ANY | www.test.example. 3600 HINFO \"RFC8482\" \"\" | - | -", noerror),
      row("dns.any", "of no name", {.name = "nothing.test.example", .type = 255},
          "NXDOMAIN qr aa rd | nothing.test.example. ANY | - | " + soa + " | -",
          {Counter::dns_answered, Counter::rcode_nxdomain}),
      row("dns.any", "at an empty non-terminal", {.name = "empty.test.example", .type = 255},
          "NOERROR qr aa rd | empty.test.example. ANY | - | " + soa + " | -", nodata),
  };
}

} // namespace

std::vector<PacketCase> dns_cases() {
  std::vector<PacketCase> cases;
  for (const auto& part : {header_cases(), single_flags(), question_cases(), type_cases()})
    cases.insert(cases.end(), part.begin(), part.end());
  return cases;
}

} // namespace anytick::test
