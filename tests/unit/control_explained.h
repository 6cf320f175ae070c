#pragma once

#include <string_view>

/// A zone with targets at every level, aliases and CNAMEs, and where its clients are.
namespace anytick::control::test {

inline constexpr std::string_view explained_zone = R"({
  "serial": 7, "ttl": 300, "max_hosts": 2, "targeting": "@ ip asn region regiongroup country continent",
  "data": {
    "": { "ns": ["ns.example.net."], "a": [["192.0.2.1"]] },
    "us": { "a": [["192.0.2.2"]] },
    "0": { "a": [["192.0.2.10", 10], ["192.0.2.11", 30], ["192.0.2.12", 60]], "aaaa": [["2001:db8::10"]] },
    "0.us": { "a": [["192.0.2.20", 1], ["192.0.2.21", 1]] },
    "0.us-ca": { "aaaa": [["2001:db8::21"]] },
    "0.us-east": { "a": [["192.0.2.22"]] },
    "0.as64500": { "a": [["192.0.2.23"]], "ttl": 60 },
    "0.[198.51.100.7]": { "a": [["192.0.2.24"]] },
    "0.[198.51.100.0]": { "a": [["192.0.2.25"]] },
    "0.north-america": { "alias": "na" },
    "na.us": { "aaaa": [["2001:db8::30"]] },
    "na.ca": { "a": [["192.0.2.31"]] },
    "1": { "alias": "0" },
    "2": { "alias": "0" },
    "2.us": { "alias": "na" },
    "2.europe": { "alias": "fr" },
    "fr": { "alias": "na", "a": [["192.0.2.40"]] },
    "www": { "cname": "0.geo.example." },
    "www.ca": { "cname": "out.example.net." },
    "either": { "cname": [["0.geo.example.", 1], ["na.geo.example.", 3]] },
    "gone": { "cname": "nowhere" },
    "loop": { "cname": "loop" },
    "text": { "txt": ["hello"] },
    "a.deep": { "txt": ["below"] },
    "only.fr": { "a": [["192.0.2.50"]] },
    "*.wild": { "alias": "0" },
    "child": { "ns": ["ns.example.net."] },
    "to-child": { "cname": "www.child" }
  }
})";

inline constexpr std::string_view explained_overrides = R"(
198.51.100.0/22  region=us-ca asn=64501
198.51.104.0/24  region=us-ny asn=64500
198.51.105.0/24  region=us-ny
198.51.106.0/24  country=ca
203.0.113.0/24   country=fr
2001:db8:1::/48  country=us
)";

} // namespace anytick::control::test
