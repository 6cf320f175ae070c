#include "tests/packets/cases.h"

namespace anytick::test {
namespace {

using core::Counter;

constexpr unsigned A = 1, NS = 2, MX = 15, TXT = 16, AAAA = 28, DS = 43, ANY = 255;

const std::vector<Counter> noerror{Counter::dns_answered, Counter::rcode_noerror};
const std::vector<Counter> nodata{Counter::dns_answered, Counter::rcode_noerror, Counter::dns_nodata};
const std::vector<Counter> nxdomain{Counter::dns_answered, Counter::rcode_nxdomain};
const std::vector<Counter> referred{Counter::dns_answered, Counter::rcode_noerror, Counter::dns_referral};
const std::string soa = "test.example. 3000 SOA ns1.test.example. hostmaster.test.example. 7 5400 5400 1209600 3600";

PacketCase ask(const char* rule, const char* description, const std::string& name, unsigned type, std::string sections,
               std::vector<Counter> counters, const char* from = "198.51.100.1") {
  return {rule, description,
          Packet{.payload = Message{.name = name, .type = type, .flags = 0}.bytes(), .from = from}.bytes(),
          std::move(sections), std::move(counters)};
}

std::string found(const std::string& question, const std::string& answer) {
  return "NOERROR qr aa | " + question + " | " + answer + " | - | -";
}

std::vector<PacketCase> wildcard_cases() {
  return {
      ask("wildcard.match", "owner is the name that was asked for", "a.wild.test.example", A,
          found("a.wild.test.example. A", "a.wild.test.example. 300 A 203.0.113.50"), noerror),
      ask("wildcard.match", "several labels", "a.b.c.wild.test.example", A,
          found("a.b.c.wild.test.example. A", "a.b.c.wild.test.example. 300 A 203.0.113.50"), noerror),
      ask("wildcard.match", "case is kept", "A.b.Wild.test.example", TXT,
          found("A.b.Wild.test.example. TXT", "A.b.Wild.test.example. 300 TXT \"any\""), noerror),
      ask("wildcard.match", "the asterisk itself", "*.wild.test.example", A,
          found("*.wild.test.example. A", "*.wild.test.example. 300 A 203.0.113.50"), noerror),
      ask("wildcard.match", "by target", "a.wild.test.example", A,
          found("a.wild.test.example. A", "a.wild.test.example. 300 A 203.0.113.51"), noerror, "192.0.2.1"),
      ask("wildcard.nodata", "it has no such type", "a.wild.test.example", MX,
          "NOERROR qr aa | a.wild.test.example. MX | - | " + soa + " | -", nodata),
      ask("wildcard.exists", "not for a name that exists", "there.wild.test.example", A,
          "NOERROR qr aa | there.wild.test.example. A | - | " + soa + " | -", nodata),
      ask("wildcard.exists", "nor below it", "x.there.wild.test.example", A,
          "NXDOMAIN qr aa | x.there.wild.test.example. A | - | " + soa + " | -", nxdomain),
      ask("wildcard.exists", "an empty non-terminal exists", "empty.wild.test.example", A,
          "NOERROR qr aa | empty.wild.test.example. A | - | " + soa + " | -", nodata),
      ask("wildcard.exists", "the closest encloser decides", "x.empty.wild.test.example", A,
          "NXDOMAIN qr aa | x.empty.wild.test.example. A | - | " + soa + " | -", nxdomain),
      ask("wildcard.exists", "nothing at the wildcard's parent", "wild.test.example", A,
          "NOERROR qr aa | wild.test.example. A | - | " + soa + " | -", nodata),
      ask("wildcard.cname", "is followed", "a.away.test.example", A,
          found("a.away.test.example. A",
                "a.away.test.example. 300 CNAME constant.test.example., constant.test.example. 300 A 203.0.113.20"),
          noerror),
      ask("wildcard.cname", "leads to another wildcard", "a.into.test.example", A,
          found("a.into.test.example. A",
                "a.into.test.example. 300 CNAME x.wild.test.example., x.wild.test.example. 300 A 203.0.113.50"),
          noerror),
      ask("wildcard.any", "HINFO", "a.wild.test.example", ANY,
          found("a.wild.test.example. ANY", "a.wild.test.example. 3600 HINFO \"RFC8482\" \"\""), noerror),
  };
}

std::string referral(const std::string& name, const std::string& type, const std::string& answer = "-",
                     const char* flags = "") {
  return std::string("NOERROR qr") + flags + " | " + name + ". " + type + " | " + answer +
         " | child.test.example. 86400 NS mail.test.example., child.test.example. 86400 NS ns.example.net., "
         "child.test.example. 86400 NS ns1.child.test.example. | mail.test.example. 300 A 203.0.113.25, "
         "ns1.child.test.example. 300 A 203.0.113.60, ns1.child.test.example. 300 AAAA 2001:db8::60";
}

std::vector<PacketCase> referral_cases() {
  return {
      ask("delegation.referral", "at the cut, with glue", "child.test.example", A, referral("child.test.example", "A"),
          referred),
      ask("delegation.referral", "its NS are not ours to answer", "child.test.example", NS,
          referral("child.test.example", "NS"), referred),
      ask("delegation.referral", "below it", "www.sub.child.test.example", TXT,
          referral("www.sub.child.test.example", "TXT"), referred),
      ask("delegation.referral", "glue is no answer", "ns1.child.test.example", AAAA,
          referral("ns1.child.test.example", "AAAA"), referred),
      ask("delegation.referral", "ANY too", "child.test.example", ANY, referral("child.test.example", "ANY"), referred),
      ask(
          "delegation.referral", "case is kept", "x.ChiLD.test.example", A,
          [] {
            std::string text = referral("x.ChiLD.test.example", "A");
            for (size_t at = 0; (at = text.find("child.test.example. 86400", at)) != text.npos;)
              text.replace(at, 5, "ChiLD");
            return text;
          }(),
          referred),
      ask("delegation.referral", "without glue", "lame.test.example", A,
          "NOERROR qr | lame.test.example. A | - | lame.test.example. 86400 NS ns1.example.net., lame.test.example. "
          "86400 NS ns2.example.net. | -",
          referred),
      ask("delegation.cname", "a CNAME of ours leads there", "to-child.test.example", A,
          referral("to-child.test.example", "A", "to-child.test.example. 300 CNAME www.child.test.example.", " aa"),
          referred),
      ask("delegation.ds", "the DS of the cut is ours, and there is none", "child.test.example", DS,
          "NOERROR qr aa | child.test.example. TYPE43 | - | " + soa + " | -", nodata),
      ask("delegation.ds", "below the cut it is not", "x.child.test.example", DS,
          referral("x.child.test.example", "TYPE43"), referred),
  };
}

std::vector<PacketCase> chaos_cases() {
  const auto chaos = [](const char* rule, const char* description, const std::string& name, unsigned type,
                        std::string reply, std::vector<Counter> counters) {
    return PacketCase{rule, description,
                      Packet{.payload = Message{.name = name, .type = type, .klass = 3, .flags = 0}.bytes()}.bytes(),
                      std::move(reply), std::move(counters)};
  };
  const std::vector<Counter> told{Counter::dns_answered, Counter::rcode_noerror, Counter::dns_chaos};
  const std::vector<Counter> kept{Counter::dns_answered, Counter::rcode_refused, Counter::dns_chaos};
  const std::vector<Counter> refused{Counter::dns_answered, Counter::rcode_refused};
  return {
      chaos("chaos.hostname", "id.server", "id.server", TXT,
            "NOERROR qr aa | id.server. TXT CLASS3 | id.server. 0 CH TXT \"pop1.example\" | - | -", told),
      chaos("chaos.hostname", "hostname.bind in capitals", "HOSTNAME.BIND", TXT,
            "NOERROR qr aa | HOSTNAME.BIND. TXT CLASS3 | HOSTNAME.BIND. 0 CH TXT \"pop1.example\" | - | -", told),
      chaos("chaos.hostname", "by ANY", "id.server", ANY,
            "NOERROR qr aa | id.server. ANY CLASS3 | id.server. 0 CH TXT \"pop1.example\" | - | -", told),
      chaos("chaos.version", "is not configured", "version.bind", TXT,
            "REFUSED qr | version.bind. TXT CLASS3 | - | - | -", kept),
      chaos("chaos.version", "version.server", "version.server", TXT,
            "REFUSED qr | version.server. TXT CLASS3 | - | - | -", kept),
      chaos("chaos.other", "another type", "id.server", A, "REFUSED qr | id.server. A CLASS3 | - | - | -", refused),
      chaos("chaos.other", "another name", "authors.bind", TXT, "REFUSED qr | authors.bind. TXT CLASS3 | - | - | -",
            refused),
      chaos("chaos.other", "a name of our zones", "0.test.example", TXT,
            "REFUSED qr | 0.test.example. TXT CLASS3 | - | - | -", refused),
  };
}

} // namespace

std::vector<PacketCase> delegation_cases() {
  std::vector<PacketCase> cases;
  for (const auto& part : {wildcard_cases(), referral_cases(), chaos_cases()})
    cases.insert(cases.end(), part.begin(), part.end());
  return cases;
}

} // namespace anytick::test
