#include <utility>

#include "tests/packets/cases.h"
#include "tests/packets/ntp_wire.h"

namespace anytick::test {
namespace {

using core::Counter;

/// What all replies say of the clock of the tables.
std::string said(unsigned version, unsigned mode = 4, const char* origin = "1122334455667788", unsigned poll = 6,
                 const char* end = "-") {
  return "v" + std::to_string(version) + " mode " + std::to_string(mode) + " LI 0 stratum 2 poll " +
         std::to_string(poll) + " | delay 10 ms, dispersion 5 ms, c000027b | origin " + origin + " | " + end;
}

Packet to_ntp(Bytes payload, unsigned from_port = 40000) {
  return {.payload = std::move(payload), .from_port = from_port, .to_port = 123};
}

Packet over_ipv6(Packet packet) {
  packet.from = "2001:db8:1::7";
  packet.to = "2001:db8:53::53";
  return packet;
}

PacketCase answered(const char* rule, const char* description, const Packet& packet, std::string reply) {
  return {rule, description, packet.bytes(), std::move(reply), {Counter::ntp_answered}};
}

PacketCase authenticated(const char* rule, const char* description, const Packet& packet, std::string reply) {
  return {rule, description, packet.bytes(), std::move(reply), {Counter::ntp_answered, Counter::ntp_authenticated}};
}

PacketCase dropped(const char* rule, const char* description, const Packet& packet, Counter reason) {
  return {rule, description, packet.bytes(), "", {reason}};
}

std::vector<PacketCase> header_cases() {
  const NtpMessage plain;
  Bytes short_header = plain.bytes();
  short_header.resize(44);
  return {
      answered("ntp.plain", "version 4 over IPv4", to_ntp(plain.bytes()), said(4)),
      answered("ntp.plain", "version 4 over IPv6", over_ipv6(to_ntp(plain.bytes())), said(4)),
      {"ntp.plain",
       "behind a tag",
       Packet{.payload = plain.bytes(), .to_port = 123, .tags = {0x81000064}}.bytes(),
       said(4),
       {Counter::ntp_answered}},
      {"ntp.plain",
       "without a UDP checksum, IPv4",
       Packet{.payload = plain.bytes(), .to_port = 123, .no_udp_checksum = true}.bytes(),
       said(4),
       {Counter::ntp_answered}},
      answered("ntp.version", "1, mode 3", to_ntp(NtpMessage{.version = 1}.bytes()), said(1)),
      answered("ntp.version", "2", to_ntp(NtpMessage{.version = 2}.bytes()), said(2)),
      answered("ntp.version", "3", to_ntp(NtpMessage{.version = 3}.bytes()), said(3)),
      dropped("ntp.version", "0", to_ntp(NtpMessage{.version = 0}.bytes()), Counter::drop_ntp_version),
      dropped("ntp.version", "5", to_ntp(NtpMessage{.version = 5}.bytes()), Counter::drop_ntp_version),
      dropped("ntp.version", "6", to_ntp(NtpMessage{.version = 6}.bytes()), Counter::drop_ntp_version),
      dropped("ntp.version", "7", to_ntp(NtpMessage{.version = 7}.bytes()), Counter::drop_ntp_version),
      answered("ntp.version", "4 that offers 5 by its reference time",
               to_ntp(NtpMessage{.reference = 0x4e5450354e545035}.bytes()), said(4)),
      answered("ntp.mode", "1, symmetric active", to_ntp(NtpMessage{.mode = 1}.bytes()), said(4, 2)),
      answered("ntp.mode", "1 from ntpd's port, version 3", to_ntp(NtpMessage{.version = 3, .mode = 1}.bytes(), 123),
               said(3, 2)),
      answered("ntp.mode", "0 of version 1, from a client's port", to_ntp(NtpMessage{.version = 1, .mode = 0}.bytes()),
               said(1)),
      dropped("ntp.mode", "0 of version 1, from a server's port",
              to_ntp(NtpMessage{.version = 1, .mode = 0}.bytes(), 123), Counter::drop_ntp_mode),
      dropped("ntp.mode", "0 of version 3", to_ntp(NtpMessage{.version = 3, .mode = 0}.bytes()),
              Counter::drop_ntp_mode),
      dropped("ntp.mode", "0 of version 4", to_ntp(NtpMessage{.mode = 0}.bytes()), Counter::drop_ntp_mode),
      dropped("ntp.mode", "2, symmetric passive", to_ntp(NtpMessage{.mode = 2}.bytes()), Counter::drop_ntp_mode),
      dropped("ntp.mode", "4, an answer", to_ntp(NtpMessage{.mode = 4, .stratum = 1}.bytes(), 123),
              Counter::drop_ntp_mode),
      dropped("ntp.mode", "5, broadcast", to_ntp(NtpMessage{.mode = 5}.bytes()), Counter::drop_ntp_mode),
      dropped("ntp.mode", "6, control", to_ntp(NtpMessage{.version = 2, .mode = 6}.bytes()), Counter::drop_ntp_mode),
      dropped("ntp.mode", "7, monlist", to_ntp(NtpMessage{.version = 2, .mode = 7}.bytes()), Counter::drop_ntp_mode),
      dropped("ntp.length", "nothing", to_ntp({}), Counter::drop_ntp_length),
      dropped("ntp.length", "a control message of 12", to_ntp(Bytes(12, 0x16)), Counter::drop_ntp_length),
      dropped("ntp.length", "44", to_ntp(short_header), Counter::drop_ntp_length),
      dropped("ntp.length", "49", to_ntp(NtpMessage{.after = {0}}.bytes()), Counter::drop_ntp_length),
      dropped("ntp.length", "50", to_ntp(NtpMessage{.after = {0, 0}}.bytes()), Counter::drop_ntp_length),
      answered("ntp.port", "ntpd asks from 123", to_ntp(plain.bytes(), 123), said(4)),
      answered("ntp.port", "from 1", to_ntp(plain.bytes(), 1), said(4)),
      dropped("ntp.port", "from 0", to_ntp(plain.bytes(), 0), Counter::drop_port),
      dropped("ntp.loop", "from echo", to_ntp(plain.bytes(), 7), Counter::drop_cross_service),
      dropped("ntp.loop", "from qotd", to_ntp(plain.bytes(), 17), Counter::drop_cross_service),
      dropped("ntp.loop", "from chargen", to_ntp(plain.bytes(), 19), Counter::drop_cross_service),
      dropped("ntp.loop", "from DNS", to_ntp(plain.bytes(), 53), Counter::drop_cross_service),
      dropped("ntp.loop", "from DNS, IPv6", over_ipv6(to_ntp(plain.bytes(), 53)), Counter::drop_cross_service),
      answered("ntp.fields", "poll is copied, all else of the request means nothing",
               to_ntp(NtpMessage{.leap = 3,
                                 .stratum = 16,
                                 .poll = 17,
                                 .reference = 0xe000000000000000,
                                 .origin = 1,
                                 .receive = 2,
                                 .transmit = 0xfedcba9876543210}
                          .bytes()),
               said(4, 4, "fedcba9876543210", 17)),
      answered("ntp.origin", "a transmit time of zero comes back", to_ntp(NtpMessage{.transmit = 0}.bytes()),
               said(4, 4, "0000000000000000")),
      answered("ntp.origin", "a random one comes back as it is",
               to_ntp(NtpMessage{.transmit = 0xffffffffffffffff}.bytes()), said(4, 4, "ffffffffffffffff")),
  };
}

Packet with(Bytes after, unsigned version = 4) {
  return to_ntp(NtpMessage{.version = version, .after = std::move(after)}.bytes());
}

Bytes join(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) append(all, part);
  return all;
}

std::vector<PacketCase> extension_cases() {
  constexpr unsigned unique_id = 0x0104, unknown = 0x7777;
  const auto malformed = [](const char* description, Bytes after) {
    return dropped("ntp.extension", description, with(std::move(after)), Counter::drop_ntp_extension);
  };
  return {
      answered("ntp.extension", "an unknown one is ignored and not echoed", with(extension_field(unknown, 28)),
               said(4)),
      answered("ntp.extension", "two of NTS without what makes them NTS",
               with(join({extension_field(unique_id, 36), extension_field(0x0204, 104)})), said(4)),
      answered("ntp.extension", "one of 16 bytes before another",
               with(join({extension_field(unknown, 16), extension_field(unknown, 28)})), said(4)),
      answered("ntp.extension", "as many as fit",
               with(join({Bytes(extension_field(unknown, 400)), extension_field(unknown, 1000)})), said(4)),
      malformed("too short to be the last", extension_field(unknown, 16)),
      malformed("8 bytes that are nothing", Bytes(8, 0)),
      malformed("12 bytes that are nothing", Bytes(12, 0)),
      malformed("length 0", Bytes(28, 0)),
      malformed("length below its header", extension_field(unknown, 28, 3)),
      malformed("length 12", join({extension_field(unknown, 28, 12)})),
      malformed("length beyond the packet", extension_field(unknown, 28, 32)),
      malformed("length of no multiple of 4", extension_field(unknown, 32, 30)),
      malformed("the second is cut off", join({extension_field(unknown, 28), extension_field(unknown, 28, 64)})),
      malformed("8 bytes behind the last", join({extension_field(unknown, 28), Bytes(8, 0)})),
      dropped("ntp.extension", "version 3 has none", with(extension_field(unknown, 28), 3),
              Counter::drop_ntp_extension),
      dropped("ntp.extension", "version 1 has none", with(extension_field(unknown, 40), 1),
              Counter::drop_ntp_extension),
  };
}

std::vector<PacketCase> mac_cases() {
  const Bytes plain = NtpMessage{}.bytes();
  const auto refused = [](const char* description, Bytes message) {
    return dropped("ntp.mac", description, to_ntp(std::move(message)), Counter::drop_ntp_mac);
  };
  const auto keyed = [](uint32_t id) {
    return said(4, 4, "1122334455667788", 6, ("key " + std::to_string(id)).c_str());
  };
  Bytes wrong_digest = with_mac(1, plain), wrong_header = with_mac(3, plain), wrong_last = with_mac(2, plain);
  wrong_digest[48 + 4] ^= 1;
  wrong_header[2] ^= 1;
  wrong_last.back() ^= 0x80;
  Bytes other_key = with_mac(3, plain);
  other_key[51] = 4; // key id 4, digest by key 3
  const Bytes with_field = NtpMessage{.after = extension_field(0x7777, 16)}.bytes();
  Bytes field_changed = with_mac(3, with_field);
  field_changed[60] ^= 1;
  return {
      authenticated("ntp.mac", "MD5", to_ntp(with_mac(1, plain)), keyed(1)),
      authenticated("ntp.mac", "SHA1", to_ntp(with_mac(2, plain)), keyed(2)),
      authenticated("ntp.mac", "AES-128-CMAC", to_ntp(with_mac(3, plain)), keyed(3)),
      authenticated("ntp.mac", "AES-256-CMAC", to_ntp(with_mac(4, plain)), keyed(4)),
      authenticated("ntp.mac", "over IPv6", over_ipv6(to_ntp(with_mac(3, plain))), keyed(3)),
      authenticated("ntp.mac", "of version 3", to_ntp(with_mac(1, NtpMessage{.version = 3}.bytes())),
                    said(3, 4, "1122334455667788", 6, "key 1")),
      authenticated("ntp.mac", "behind an extension field that it covers", to_ntp(with_mac(3, with_field)), keyed(3)),
      refused("a key that nobody knows", with_mac(99, plain)),
      refused("key id 0", with_mac(0, plain)),
      refused("the first bit of the digest", wrong_digest),
      refused("the last bit of the digest", wrong_last),
      refused("another header", wrong_header),
      refused("another key's digest", other_key),
      refused("another extension field", field_changed),
      refused("a digest of 20 bytes by a key of 16", join({plain, ntp_mac(1, plain), Bytes(4, 0)})),
      refused("a crypto-NAK", join({plain, Bytes(4, 0)})),
      refused("a key id alone", join({plain, {0, 0, 0, 1}})),
  };
}

} // namespace

std::vector<PacketCase> ntp_cases() {
  std::vector<PacketCase> cases;
  for (const auto& part : {header_cases(), extension_cases(), mac_cases()})
    cases.insert(cases.end(), part.begin(), part.end());
  return cases;
}

} // namespace anytick::test
