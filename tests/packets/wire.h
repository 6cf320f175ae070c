#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Builds what a client would put on the wire, right or wrong. Independent of the code under test.
namespace anytick::test {

using Bytes = std::vector<uint8_t>;

void append16(Bytes& bytes, unsigned value);
void append32(Bytes& bytes, uint32_t value);
void append(Bytes& bytes, const Bytes& more);
Bytes from_hex(std::string_view text); ///< white space is skipped
std::string to_hex(const Bytes& bytes);

/// "0.Pool.example" -> wire format, case kept; "" and "." are the root.
Bytes wire_name(std::string_view name);

/// An EDNS option.
struct Option {
  uint16_t code;
  Bytes data;
};
/// A client subnet option with the address cut to the prefix, as RFC 7871 wants it: "192.0.2.0/24".
Option subnet(std::string_view prefix, uint8_t scope = 0);

/// A DNS message, field by field. Defaults are a plain query of one question.
struct Message {
  std::string name = "0.test.example";
  unsigned type = 1;
  unsigned klass = 1;
  unsigned id = 0xbeef;
  unsigned flags = 0x0100; ///< RD
  bool edns = false;
  unsigned udp_size = 1232;
  unsigned edns_version = 0;
  unsigned edns_flags = 0;
  std::vector<Option> options = {};
  Bytes question = {};               ///< instead of name, type and class
  Bytes before_opt = {};             ///< records, raw
  Bytes after = {};                  ///< bytes behind everything
  std::vector<unsigned> counts = {}; ///< instead of the right ones

  Bytes bytes() const;
};

/// A frame that carries a payload, field by field. Defaults are what a client sends to the service of test_world.h.
struct Packet {
  Bytes payload = Message{}.bytes();
  std::string from = "192.0.2.1";
  std::string to = "203.0.113.53"; ///< an IPv6 address in both makes an IPv6 packet
  unsigned from_port = 40000;
  unsigned to_port = 53;
  std::vector<uint32_t> tags = {}; ///< TPID << 16 | TCI, outermost first
  std::string to_mac = "020000000001";
  std::string from_mac = "020000000002";
  unsigned ethertype = 0; ///< instead of the right one
  unsigned tos = 0;
  unsigned ttl = 57;
  unsigned ip_id = 0x4711;
  unsigned fragment = 0; ///< flags and offset field
  unsigned protocol = 17;
  unsigned version = 0;     ///< instead of the right one
  Bytes ip_options = {};    ///< IPv4, padded to 4 by the caller
  int ip_length_change = 0; ///< added to the right total or payload length
  int udp_length_change = 0;
  bool bad_ip_checksum = false;
  bool bad_udp_checksum = false;
  bool no_udp_checksum = false; ///< send zero
  Bytes padding = {};           ///< behind the IP packet, as Ethernet pads
  size_t cut = SIZE_MAX;        ///< keep only so many bytes

  Bytes bytes() const;
};

/// One's complement sum of RFC 1071, for both building and checking.
uint16_t internet_sum(const Bytes& bytes);

} // namespace anytick::test
