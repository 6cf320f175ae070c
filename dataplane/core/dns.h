#pragma once

#include <cstddef>
#include <cstdint>

/// DNS numbers (IANA registry; RFC 1035, 5001, 6891, 7871, 7873).
namespace anytick::core::dns {

inline constexpr size_t header_bytes = 12;
inline constexpr size_t name_max = 255; ///< wire bytes, root label included (RFC 1035 2.3.4)
inline constexpr size_t label_max = 63;
inline constexpr size_t labels_max = 127; ///< without the root label

enum Type : uint16_t {
  A = 1,
  NS = 2,
  CNAME = 5,
  SOA = 6,
  HINFO = 13,
  PTR = 12,
  MX = 15,
  TXT = 16,
  AAAA = 28,
  SRV = 33,
  OPT = 41,
  DS = 43,
  SPF = 99,
  TSIG = 250,
  IXFR = 251,
  AXFR = 252,
  MAILB = 253,
  MAILA = 254,
  ANY = 255,
  CAA = 257,
};

enum Class : uint16_t { IN = 1, CH = 3 };

/// RCODEs; those above 15 need an OPT to carry the upper bits (RFC 6891 6.1.3).
enum class Rcode : uint8_t {
  noerror = 0,
  formerr = 1,
  servfail = 2,
  nxdomain = 3,
  notimp = 4,
  refused = 5,
  badvers = 16,
  badcookie = 23
};

enum Flag : uint16_t { QR = 0x8000, opcode_mask = 0x7800, AA = 0x0400, TC = 0x0200, RD = 0x0100 };

inline constexpr uint16_t option_nsid = 3;
inline constexpr uint16_t option_ecs = 8;
inline constexpr uint16_t option_cookie = 10;
inline constexpr uint16_t edns_do = 0x8000;
inline constexpr size_t opt_bytes = 11; ///< of an OPT without options: root owner, type, size, TTL, RDLENGTH

inline constexpr uint16_t udp_plain_max = 512; ///< without EDNS, and the least that an EDNS size means
inline constexpr uint16_t udp_edns_max = 1232; ///< what we advertise and send at most: fits 1,280 byte IPv6 links

} // namespace anytick::core::dns
