#include "tests/packets/cases.h"

namespace anytick::test {
namespace {

using core::Counter;

constexpr unsigned A = 1, NS = 2, CNAME = 5, SOA = 6, PTR = 12, MX = 15, TXT = 16, AAAA = 28, SRV = 33;

const std::vector<Counter> noerror{Counter::dns_answered, Counter::rcode_noerror};
const std::vector<Counter> nodata{Counter::dns_answered, Counter::rcode_noerror, Counter::dns_nodata};
const std::vector<Counter> nxdomain{Counter::dns_answered, Counter::rcode_nxdomain};
const std::string soa = "test.example. 3000 SOA ns1.test.example. hostmaster.test.example. 7 5400 5400 1209600 3600";

/// A question by a client in the us, or `from`.
PacketCase ask(const char* rule, const char* description, const std::string& name, unsigned type, std::string sections,
               std::vector<Counter> counters = noerror, const char* from = "192.0.2.1") {
  const Message message{.name = name, .type = type, .flags = 0};
  return {rule, description, Packet{.payload = message.bytes(), .from = from}.bytes(), std::move(sections),
          std::move(counters)};
}

std::string found(const std::string& question, const std::string& answer) {
  return "NOERROR qr aa | " + question + " | " + answer + " | - | -";
}
std::string denied(const std::string& status, const std::string& question, const std::string& answer = "-") {
  return status + " qr aa | " + question + " | " + answer + " | " + soa + " | -";
}

std::vector<PacketCase> type_cases() {
  return {
      ask("zone.type", "SOA", "test.example", SOA, found("test.example. SOA", soa)),
      ask("zone.type", "NS", "test.example", NS,
          found("test.example. NS",
                "test.example. 86400 NS ns.example.net., test.example. 86400 NS ns1.test.example.")),
      ask("zone.type", "MX", "test.example", MX,
          found("test.example. MX", "test.example. 300 MX 10 mail.test.example.")),
      ask("zone.type", "TXT", "mail.test.example", TXT,
          found("mail.test.example. TXT", "mail.test.example. 300 TXT \"v=spf1 -all\"")),
      ask("zone.type", "SRV", "_ntp._udp.test.example", SRV,
          found("_ntp._udp.test.example. SRV", "_ntp._udp.test.example. 300 SRV 5 7 123 0.test.example.")),
      ask("zone.type", "PTR", "10.test.example", PTR,
          found("10.test.example. PTR", "10.test.example. 300 PTR mail.test.example.")),
      ask("zone.type", "AAAA", "0.test.example", AAAA,
          found("0.test.example. AAAA", "0.test.example. 300 AAAA 2001:db8:a::11")),
  };
}

std::vector<PacketCase> location_cases() {
  const std::string name = "_country.test.example";
  const auto told = [&](const std::string& strings) { return found(name + ". TXT", name + ". 1 TXT " + strings); };
  return {
      ask("zone.location", "by source", name, TXT,
          told(R"("address=192.0.2.1" "continent=north-america" "country=us")")),
      ask("zone.location", "nowhere", name, TXT, told(R"("address=8.8.8.8")"), noerror, "8.8.8.8"),
      ask("zone.location", "has no other type", name, A, denied("NOERROR", name + ". A"), nodata),
  };
}

std::vector<PacketCase> target_cases() {
  return {
      ask("zone.target", "by country", "0.test.example", A,
          found("0.test.example. A", "0.test.example. 300 A 203.0.113.11")),
      ask("zone.target", "by continent, with its own TTL", "0.test.example", A,
          found("0.test.example. A", "0.test.example. 60 A 203.0.113.12"), noerror, "198.51.100.1"),
      ask("zone.target", "@", "0.test.example", A, found("0.test.example. A", "0.test.example. 300 A 203.0.113.10"),
          noerror, "100.130.1.1"),
      ask("zone.target", "a type that the country lacks is tried at the next target", "0.test.example", AAAA,
          found("0.test.example. AAAA", "0.test.example. 300 AAAA 2001:db8:a::10"), noerror, "198.51.100.1"),
      ask("zone.target", "asked for by name", "0.europe.test.example", A,
          found("0.europe.test.example. A", "0.europe.test.example. 60 A 203.0.113.12")),
      ask("zone.target", "the apex has targets too", "test.example", A,
          found("test.example. A", "test.example. 300 A 203.0.113.80")),
      ask("zone.target", "the apex, for a client without one", "test.example", A, denied("NOERROR", "test.example. A"),
          nodata, "198.51.100.1"),
      ask("zone.target", "a name that exists for one country", "only.test.example", A,
          found("only.test.example. A", "only.test.example. 300 A 203.0.113.40"), noerror, "198.51.100.1"),
      ask("zone.target", "the same name elsewhere exists, empty", "only.test.example", A,
          denied("NOERROR", "only.test.example. A"), nodata),
      ask("zone.alias", "a vendor's label is tailored like its target", "0.vendor.test.example", A,
          found("0.vendor.test.example. A", "0.vendor.test.example. 300 A 203.0.113.11")),
      ask("zone.alias", "and elsewhere", "0.vendor.test.example", A,
          found("0.vendor.test.example. A", "0.vendor.test.example. 60 A 203.0.113.12"), noerror, "198.51.100.1"),
  };
}

std::vector<PacketCase> cname_cases() {
  return {
      ask("zone.cname", "followed, tailored", "www.test.example", A,
          found("www.test.example. A",
                "0.test.example. 300 A 203.0.113.11, www.test.example. 300 CNAME 0.test.example.")),
      ask("zone.cname", "two steps", "chain1.test.example", A,
          found("chain1.test.example. A",
                "chain1.test.example. 300 CNAME chain2.test.example., "
                "chain2.test.example. 300 CNAME constant.test.example., constant.test.example. 300 A 203.0.113.20")),
      ask("zone.cname", "asked for itself", "chain1.test.example", CNAME,
          found("chain1.test.example. CNAME", "chain1.test.example. 300 CNAME chain2.test.example.")),
      ask("zone.cname", "leads out of the zone", "outside.test.example", A,
          found("outside.test.example. A", "outside.test.example. 300 CNAME www.example.net.")),
      ask("zone.cname", "answers types that nobody thought of", "outside.test.example", 65,
          found("outside.test.example. TYPE65", "outside.test.example. 300 CNAME www.example.net.")),
      ask("zone.cname", "leads to nothing: the chain's RCODE (RFC 6604)", "dangling.test.example", A,
          denied("NXDOMAIN", "dangling.test.example. A", "dangling.test.example. 300 CNAME nowhere.test.example."),
          nxdomain),
      ask("zone.cname", "leads to a name without the type", "no-address.test.example", A,
          denied("NOERROR", "no-address.test.example. A", "no-address.test.example. 300 CNAME text.test.example."),
          nodata),
      ask("zone.cname", "a loop ends, no record twice (RFC 2181 5)", "loop1.test.example", A,
          found(
              "loop1.test.example. A",
              "loop1.test.example. 300 CNAME loop2.test.example., loop2.test.example. 300 CNAME loop1.test.example.")),
  };
}

std::vector<PacketCase> negative_cases() {
  return {
      ask("zone.nxdomain", "no such name", "nothing.test.example", A, denied("NXDOMAIN", "nothing.test.example. A"),
          nxdomain),
      ask("zone.nxdomain", "below an existing name", "a.b.0.test.example", A,
          denied("NXDOMAIN", "a.b.0.test.example. A"), nxdomain),
      ask("zone.nodata", "the type is not there", "text.test.example", A, denied("NOERROR", "text.test.example. A"),
          nodata),
      ask("zone.ent", "an empty non-terminal", "empty.test.example", A, denied("NOERROR", "empty.test.example. A"),
          nodata),
      ask("zone.ent", "the parent of a service name", "_udp.test.example", A, denied("NOERROR", "_udp.test.example. A"),
          nodata),
      ask("zone.refused", "a name of nobody we know", "example.net", A, "REFUSED qr | example.net. A | - | - | -",
          {Counter::dns_answered, Counter::rcode_refused}),
      ask("zone.refused", "the parent of our zone", "example", A, "REFUSED qr | example. A | - | - | -",
          {Counter::dns_answered, Counter::rcode_refused}),
      ask("zone.refused", "the root", ".", NS, "REFUSED qr | . NS | - | - | -",
          {Counter::dns_answered, Counter::rcode_refused}),
      ask("zone.refused", "a name that ends like ours, but not at a label", "xtest.example", A,
          "REFUSED qr | xtest.example. A | - | - | -", {Counter::dns_answered, Counter::rcode_refused}),
      ask("zone.truncate", "600 bytes do not fit into 512", "big.test.example", TXT,
          "NOERROR qr aa tc | big.test.example. TXT | - | - | -",
          {Counter::dns_answered, Counter::rcode_noerror, Counter::dns_truncated}),
  };
}

} // namespace

std::vector<PacketCase> zone_cases() {
  std::vector<PacketCase> cases;
  for (const auto& part : {type_cases(), location_cases(), target_cases(), cname_cases(), negative_cases()})
    cases.insert(cases.end(), part.begin(), part.end());
  return cases;
}

std::vector<PacketCase> all_cases(uint32_t now) {
  std::vector<PacketCase> cases;
  for (const auto& part :
       {frame_cases(), dns_cases(), edns_cases(), cookie_cases(now), zone_cases(), delegation_cases(), ntp_cases()})
    cases.insert(cases.end(), part.begin(), part.end());
  return cases;
}

} // namespace anytick::test
