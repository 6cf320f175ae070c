#include <string>

#include "tests/packets/world.h"

namespace anytick::test {
namespace {

constexpr std::string_view zone_json = R"({
  "serial": 7, "ttl": 300, "max_hosts": 2, "contact": "hostmaster.test.example",
  "targeting": "country continent @",
  "data": {
    "": { "ns": ["ns1.test.example.", "ns.example.net."], "mx": [{"preference": 10, "mx": "mail.test.example."}] },
    "ns1": { "a": [["203.0.113.53"]] },
    "mail": { "a": [["203.0.113.25"]], "txt": ["v=spf1 -all"] },
    "0": { "a": [["203.0.113.10", "100"]], "aaaa": [["2001:db8:a::10", 100]] },
    "0.us": { "a": [["203.0.113.11", 100]], "aaaa": [["2001:db8:a::11", 100]] },
    "0.europe": { "a": [["203.0.113.12", 100]], "ttl": "60" },
    "us": { "a": [["203.0.113.80"]] },
    "0.vendor": { "alias": "0" },
    "constant": { "a": [["203.0.113.20"]] },
    "www": { "cname": "0.test.example." },
    "chain1": { "cname": "chain2" },
    "chain2": { "cname": "constant" },
    "loop1": { "cname": "loop2" },
    "loop2": { "cname": "loop1" },
    "outside": { "cname": "www.example.net." },
    "dangling": { "cname": "nowhere" },
    "no-address": { "cname": "text" },
    "text": { "txt": ["hello world"] },
    "big": { "txt": ["0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789",
                     "1123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789",
                     "2123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789",
                     "3123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789",
                     "4123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"] },
    "_ntp._udp": { "srv": [{"target": "0.test.example.", "port": 123, "priority": 5, "srv_weight": 7}] },
    "10": { "ptr": "mail.test.example." },
    "deep.empty": { "a": [["203.0.113.30"]] },
    "only.fr": { "a": [["203.0.113.40"]] },
    "*.wild": { "a": [["203.0.113.50"]], "txt": ["any"] },
    "*.wild.us": { "a": [["203.0.113.51"]] },
    "there.wild": { "txt": ["itself"] },
    "below.empty.wild": { "a": [["203.0.113.52"]] },
    "*.away": { "cname": "constant" },
    "*.into": { "cname": "x.wild" },
    "child": { "ns": {"ns1.child.test.example.": ["203.0.113.60", "2001:db8::60"], "mail.test.example.": null,
                      "ns.example.net.": null} },
    "to-child": { "cname": "www.child" },
    "lame": { "ns": ["ns1.example.net.", "ns2.example.net."] })";

/// A name whose TXT is so long.
std::string text_entry(const std::string& name, size_t length) {
  return ",\n    \"" + name + "\": { \"txt\": [\"" + std::string(length, 'x') + "\"] }";
}

constexpr std::string_view overrides = R"(
192.0.2.0/24      country=us
198.51.100.0/24   country=fr
100.128.0.0/9     country=jp
2001:db8:1::/48   country=us
)";

} // namespace

const World& World::of_cases() {
  static const World world({{"test.example", zone_json_of_cases()}}, overrides);
  return world;
}

std::string_view zone_json_of_cases() {
  static const std::string whole = std::string(zone_json) + text_entry("e512", e512_text) +
                                   text_entry("e513", e512_text + 1) + text_entry("f1232", f1232_text) +
                                   text_entry("f1233", f1232_text + 1) + "\n  }\n}\n";
  return whole;
}

std::string_view overrides_of_cases() {
  return overrides;
}

const core::CookieKeys& cookie_keys_of_cases() {
  static const core::CookieKeys keys{
      {{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, {99, 98, 97, 96, 95, 94, 93, 92, 91, 90, 89, 88}}}, 2};
  return keys;
}

const core::Identity& identity_of_cases() {
  static const core::Identity identity{"pop1", "pop1.example", {}};
  return identity;
}

core::Ingress ingress_of_cases() {
  core::Ingress ingress;
  ingress.mac = {0x02, 0, 0, 0, 0, 0x01};
  const auto ipv4 = from_hex("cb007135");
  ingress.ipv4.push_back(uint32_t{ipv4[3]} << 24 | uint32_t{ipv4[2]} << 16 | uint32_t{ipv4[1]} << 8 | ipv4[0]);
  const auto ipv6 = from_hex("20010db8005300000000000000000053");
  std::copy(ipv6.begin(), ipv6.end(), ingress.ipv6.emplace_back().begin());
  return ingress;
}

} // namespace anytick::test
