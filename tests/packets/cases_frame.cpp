#include "tests/packets/cases.h"

namespace anytick::test {
namespace {

using core::Counter;

const std::string us = "NOERROR qr aa rd | 0.test.example. A | 0.test.example. 300 A 203.0.113.11 | - | -";
const std::string fr = "NOERROR qr aa rd | 0.test.example. A | 0.test.example. 60 A 203.0.113.12 | - | -";
const std::string nowhere = "NOERROR qr aa rd | 0.test.example. A | 0.test.example. 300 A 203.0.113.10 | - | -";
const std::vector<Counter> answered{Counter::dns_answered, Counter::rcode_noerror};

const Packet ipv6{.from = "2001:db8:1::7", .to = "2001:db8:53::53"};

Packet from(const char* address) {
  return {.from = address};
}

Packet ipv6_with(auto change) {
  Packet packet = ipv6;
  change(packet);
  return packet;
}

std::vector<PacketCase> good_cases() {
  return {
      {"frame.ipv4", "plain IPv4", Packet{}.bytes(), us, answered},
      {"frame.ipv6", "plain IPv6", ipv6.bytes(), us, answered},
      {"frame.locate", "a client in another country", from("198.51.100.9").bytes(), fr, answered},
      {"frame.locate", "a client that no map knows", from("203.0.113.99").bytes(), nowhere, answered},
      {"frame.vlan", "one 802.1Q tag", Packet{.tags = {0x81000064}}.bytes(), us, answered},
      {"frame.vlan", "802.1ad outside, 802.1Q inside", Packet{.tags = {0x88a80064, 0x8100e065}}.bytes(), us, answered},
      {"frame.vlan", "a tag before IPv6", ipv6_with([](Packet& p) { p.tags = {0x81000001}; }).bytes(), us, answered},
      {"frame.padding", "Ethernet padding is no payload", Packet{.padding = Bytes(18, 0xff)}.bytes(), us, answered},
      {"frame.tos", "DSCP and ECN are not given back", Packet{.tos = 0xb9}.bytes(), us, answered},
      {"frame.ttl", "TTL 1 has arrived", Packet{.ttl = 1}.bytes(), us, answered},
      {"frame.fragment", "DF alone is no fragment", Packet{.fragment = 0x4000}.bytes(), us, answered},
      {"udp.checksum", "IPv4 without one (RFC 768)", Packet{.no_udp_checksum = true}.bytes(), us, answered},
      {"udp.length", "IP payload behind the datagram",
       Packet{.payload = Message{}.bytes(), .ip_length_change = 4, .padding = Bytes(4, 0)}.bytes(), us, answered},
      {"udp.port", "a resolver at a fixed port 53", Packet{.from_port = 53}.bytes(), us, answered},
      {"udp.port", "a resolver at a fixed port 53, IPv6", ipv6_with([](Packet& p) { p.from_port = 53; }).bytes(), us,
       answered},
      {"udp.port", "port 1", Packet{.from_port = 1}.bytes(), us, answered},
  };
}

std::vector<PacketCase> ethernet_drops() {
  return {
      {"frame.runt", "no frame at all", {}, "", {Counter::drop_runt}},
      {"frame.runt", "13 bytes", Packet{.cut = 13}.bytes(), "", {Counter::drop_runt}},
      {"frame.runt", "cut inside a tag", Packet{.tags = {0x81000001}, .cut = 17}.bytes(), "", {Counter::drop_runt}},
      {"frame.mac", "somebody else's", Packet{.to_mac = "020000000099"}.bytes(), "", {Counter::drop_not_our_mac}},
      {"frame.mac",
       "somebody else's, ARP",
       Packet{.to_mac = "020000000099", .ethertype = 0x0806}.bytes(),
       "",
       {Counter::drop_not_our_mac}},
      {"frame.mac",
       "somebody else's, as if from us",
       Packet{.to_mac = "020000000002", .from_mac = "020000000001"}.bytes(),
       "",
       {Counter::drop_not_our_mac}},
  };
}

/// What the kernel gets, as it came. handle() counts nothing but the frame.
std::vector<PacketCase> punts() {
  const auto punt = [](const char* rule, const char* description, const Packet& packet) {
    return PacketCase{rule, description, packet.bytes(), "", {}};
  };
  const auto punt6 = [&](const char* rule, const char* description, auto change) {
    return punt(rule, description, ipv6_with(change));
  };
  using P = Packet&;
  return {
      punt("frame.mac", "broadcast", {.to_mac = "ffffffffffff"}),
      punt("frame.mac", "broadcast ARP", {.to_mac = "ffffffffffff", .ethertype = 0x0806}),
      punt("frame.mac", "IPv4 multicast", {.to = "224.0.0.5", .to_mac = "01005e000005"}),
      punt("frame.mac", "a query to all nodes", {.to_mac = "333300000001"}),
      punt6("frame.mac", "a query over IPv6 to all nodes", [](P p) { p.to_mac = "333300000001"; }),
      punt("frame.ethertype", "ARP", {.ethertype = 0x0806}),
      punt("frame.ethertype", "LLDP", {.to_mac = "0180c200000e", .ethertype = 0x88cc}),
      punt("frame.ethertype", "ARP with a tag", {.tags = {0x81000064}, .ethertype = 0x0806}),
      punt("frame.vlan", "a third tag", {.tags = {0x88a80001, 0x81000002, 0x81000003}}),
      punt("ipv4.options", "record route", {.ip_options = {7, 3, 4, 0}}),
      punt("ipv4.fragment", "first", {.fragment = 0x2000}),
      punt("ipv4.fragment", "last", {.fragment = 0x0010}),
      punt("ipv4.destination", "no service's", {.to = "203.0.113.54"}),
      punt("ipv4.destination", "no service's, from nowhere", {.from = "127.0.0.1", .to = "203.0.113.54"}),
      punt("ipv4.destination", "everybody", {.to = "255.255.255.255"}),
      punt("ipv4.destination", "everybody, at every station", {.to = "255.255.255.255", .to_mac = "ffffffffffff"}),
      punt("ipv4.destination", "everybody in our network", {.to = "203.0.113.255", .to_mac = "ffffffffffff"}),
      punt("ipv4.destination", "a group", {.to = "224.0.0.251"}),
      punt("ipv4.protocol", "TCP", {.protocol = 6}),
      punt("ipv4.protocol", "ICMP", {.protocol = 1}),
      punt("udp.port", "not a service", {.to_port = 5353}),
      punt("udp.port", "not a service, wrong checksum", {.to_port = 5353, .bad_udp_checksum = true}),
      punt6("ipv6.destination", "no service's", [](P p) { p.to = "2001:db8:53::54"; }),
      punt6("ipv6.destination", "a query to all nodes", [](P p) { p.to = "ff02::1"; }),
      punt6("ipv6.destination", "a query to all nodes, at all stations",
            [](P p) {
              p.to = "ff02::1";
              p.to_mac = "333300000001";
            }),
      punt6("ipv6.destination", "neighbour discovery",
            [](P p) {
              p.to = "ff02::1:ff00:53";
              p.to_mac = "3333ff000053";
              p.protocol = 58;
            }),
      punt6("ipv6.fragment", "fragment header", [](P p) { p.protocol = 44; }),
      punt6("ipv6.extension", "hop-by-hop options", [](P p) { p.protocol = 0; }),
      punt6("ipv6.extension", "routing", [](P p) { p.protocol = 43; }),
      punt6("ipv6.extension", "destination options", [](P p) { p.protocol = 60; }),
      punt6("ipv6.protocol", "ICMPv6", [](P p) { p.protocol = 58; }),
      punt6("ipv6.protocol", "TCP", [](P p) { p.protocol = 6; }),
      punt6("udp.port", "IPv6, not a service", [](P p) { p.to_port = 179; }),
  };
}

std::vector<PacketCase> ipv4_drops() {
  return {
      {"ipv4.header", "cut off", Packet{.cut = 14 + 19}.bytes(), "", {Counter::drop_ip_header}},
      {"ipv4.header", "version 5", Packet{.version = 5}.bytes(), "", {Counter::drop_ip_header}},
      {"ipv4.header",
       "total length beyond the frame",
       Packet{.ip_length_change = 1}.bytes(),
       "",
       {Counter::drop_ip_header}},
      {"ipv4.header",
       "total length below the header",
       Packet{.ip_length_change = -50}.bytes(),
       "",
       {Counter::drop_ip_header}},
      {"ipv4.checksum", "wrong", Packet{.bad_ip_checksum = true}.bytes(), "", {Counter::drop_ip_checksum}},
      {"ipv4.checksum",
       "wrong, to somebody else",
       Packet{.to = "203.0.113.54", .bad_ip_checksum = true}.bytes(),
       "",
       {Counter::drop_ip_checksum}},
      {"ipv4.source", "0.0.0.0", from("0.0.0.0").bytes(), "", {Counter::drop_bad_source}},
      {"ipv4.source", "loopback", from("127.0.0.1").bytes(), "", {Counter::drop_bad_source}},
      {"ipv4.source", "multicast", from("224.0.0.251").bytes(), "", {Counter::drop_bad_source}},
      {"ipv4.source", "broadcast", from("255.255.255.255").bytes(), "", {Counter::drop_bad_source}},
      {"ipv4.source", "a reserved one", from("240.0.0.1").bytes(), "", {Counter::drop_bad_source}},
      {"ipv4.source", "our own address", from("203.0.113.53").bytes(), "", {Counter::drop_bad_source}},
  };
}

std::vector<PacketCase> ipv6_drops() {
  const auto drop = [](const char* rule, const char* description, Counter reason, auto change) {
    return PacketCase{rule, description, ipv6_with(change).bytes(), "", {reason}};
  };
  using P = Packet&;
  return {
      drop("ipv6.header", "cut off", Counter::drop_ip_header, [](P p) { p.cut = 14 + 39; }),
      drop("ipv6.header", "version 4", Counter::drop_ip_header, [](P p) { p.version = 4; }),
      drop("ipv6.header", "payload beyond the frame", Counter::drop_ip_header, [](P p) { p.ip_length_change = 1; }),
      drop("ipv6.source", "unspecified", Counter::drop_bad_source, [](P p) { p.from = "::"; }),
      drop("ipv6.source", "loopback", Counter::drop_bad_source, [](P p) { p.from = "::1"; }),
      drop("ipv6.source", "multicast", Counter::drop_bad_source, [](P p) { p.from = "ff02::1"; }),
      drop("ipv6.source", "our own address", Counter::drop_bad_source, [](P p) { p.from = "2001:db8:53::53"; }),
      drop("udp.port", "IPv6, from port 0", Counter::drop_port, [](P p) { p.from_port = 0; }),
      drop("udp.loop", "IPv6, from echo", Counter::drop_cross_service, [](P p) { p.from_port = 7; }),
      drop("udp.loop", "IPv6, from qotd", Counter::drop_cross_service, [](P p) { p.from_port = 17; }),
      drop("udp.loop", "IPv6, from chargen", Counter::drop_cross_service, [](P p) { p.from_port = 19; }),
      drop("udp.loop", "IPv6, from NTP", Counter::drop_cross_service, [](P p) { p.from_port = 123; }),
      drop("udp.checksum", "IPv6 without one (RFC 8200)", Counter::drop_udp_checksum,
           [](P p) { p.no_udp_checksum = true; }),
      drop("udp.checksum", "IPv6, wrong", Counter::drop_udp_checksum, [](P p) { p.bad_udp_checksum = true; }),
  };
}

std::vector<PacketCase> udp_drops() {
  return {
      {"udp.header", "cut off", Packet{.payload = {}, .ip_length_change = -1}.bytes(), "", {Counter::drop_udp_header}},
      {"udp.length", "beyond the IP payload", Packet{.udp_length_change = 1}.bytes(), "", {Counter::drop_udp_header}},
      {"udp.length",
       "below its own header",
       Packet{.payload = {}, .udp_length_change = -1}.bytes(),
       "",
       {Counter::drop_udp_header}},
      {"udp.checksum", "IPv4, wrong", Packet{.bad_udp_checksum = true}.bytes(), "", {Counter::drop_udp_checksum}},
      {"udp.port", "to port 0", Packet{.to_port = 0}.bytes(), "", {Counter::drop_port}},
      {"udp.port",
       "from port 0 to no service",
       Packet{.from_port = 0, .to_port = 5353}.bytes(),
       "",
       {Counter::drop_port}},
      {"udp.port", "from port 0", Packet{.from_port = 0}.bytes(), "", {Counter::drop_port}},
      {"udp.loop", "from echo", Packet{.from_port = 7}.bytes(), "", {Counter::drop_cross_service}},
      {"udp.loop", "from qotd", Packet{.from_port = 17}.bytes(), "", {Counter::drop_cross_service}},
      {"udp.loop", "from chargen", Packet{.from_port = 19}.bytes(), "", {Counter::drop_cross_service}},
      {"udp.loop", "from NTP", Packet{.from_port = 123}.bytes(), "", {Counter::drop_cross_service}},
  };
}

} // namespace

std::vector<PacketCase> frame_cases() {
  std::vector<PacketCase> cases;
  for (const auto& part : {good_cases(), ethernet_drops(), punts(), ipv4_drops(), ipv6_drops(), udp_drops()})
    cases.insert(cases.end(), part.begin(), part.end());
  return cases;
}

} // namespace anytick::test
