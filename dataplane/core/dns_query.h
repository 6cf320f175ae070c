#pragma once

#include <cstdint>
#include <span>

#include "dataplane/core/cookie.h"
#include "dataplane/core/dns.h"
#include "dataplane/core/names.h"
#include "geo/prefix.h"

namespace anytick::core {

/// What to do with a message, as far as it can be told without looking into any zone.
enum class QueryKind : uint8_t {
  drop_short,    ///< no header
  drop_response, ///< QR is set: never answer an answer
  header_only,   ///< answer `rcode` with the header alone
  question_only, ///< answer `rcode` with the question (and an OPT if one was asked with)
  truncate,      ///< answer that much with TC: come back over a stream
  cookie_only,   ///< no question, but a cookie to be answered (RFC 7873 5.4)
  chaos,         ///< a question about this server: `chaos` says which
  lookup,        ///< a question to look up
};

/// The client subnet that a query states (RFC 7871 6).
struct ClientSubnet {
  bool present = false;
  uint16_t family = 0;       ///< 0 (none stated), 1 IPv4, 2 IPv6
  uint8_t source_length = 0; ///< bits
  geo::Address address;      ///< bits beyond source_length are zero
};

enum class ChaosName : uint8_t { none, hostname, version };

/// One parsed query. Nothing in it points into the message.
struct DnsQuery {
  QueryKind kind;
  dns::Rcode rcode; ///< noerror where the answer decides
  uint16_t id;      ///< wire order
  uint16_t flags;   ///< host order, as received
  uint16_t qtype;
  uint16_t qclass;
  uint16_t length;       ///< of the message, bytes
  uint16_t question_end; ///< offset behind the question, 0 where there is none
  bool edns;
  bool dnssec_ok;
  bool nsid; ///< asks for it
  ChaosName chaos;
  uint16_t udp_size; ///< most bytes that the client takes over UDP
  ClientSubnet subnet;
  Cookie cookie;
  FoldedName name;
};

/// Parses `length` bytes of a DNS message, at most 65,535. Reads nothing outside them.
void parse_query(const uint8_t* message, size_t length, DnsQuery& query);

/// Whether a client subnet says where a client is: a global unicast address, and not the empty prefix.
bool is_locatable(const ClientSubnet& subnet);

} // namespace anytick::core
