#include "dataplane/core/dns_query.h"

#include <algorithm>
#include <string_view>

#include "dataplane/core/bytes.h"

namespace anytick::core {
namespace {

using dns::Rcode;

void finish(DnsQuery& query, QueryKind kind, Rcode rcode) {
  query.kind = kind;
  query.rcode = rcode;
}

/// The part of a message that is not read yet.
struct Cursor {
  const uint8_t* message;
  size_t at;
  size_t end;

  size_t left() const { return end - at; }
  const uint8_t* here() const { return message + at; }
};

// Steps over an owner name that is not ours to read: labels up to the root or a compression pointer.
bool skip_owner(Cursor& cursor) {
  while (cursor.left() > 0) {
    const unsigned size = *cursor.here();
    if (size >= 0xc0) {
      if (cursor.left() < 2) return false;
      cursor.at += 2;
      return true;
    }
    if (size > dns::label_max || cursor.left() < size + 1u) return false;
    cursor.at += size + 1;
    if (size == 0) return true;
  }
  return false;
}

constexpr size_t fixed_record_bytes = 10; // TYPE, CLASS, TTL, RDLENGTH

/// RFC 7871 6, 7.1.2: FORMERR for anything that a forwarder could not have meant.
bool parse_subnet(std::span<const uint8_t> option, ClientSubnet& subnet) {
  if (subnet.present || option.size() < 4) return false;
  subnet.present = true;
  subnet.family = load_big16(option.data());
  subnet.source_length = option[2];
  const uint8_t scope = option[3];
  const auto address = option.subspan(4);
  if (subnet.family > 2 || scope != 0) return false;
  constexpr std::array<unsigned, 3> widths{0, 32, 128};
  if (subnet.source_length > widths[subnet.family]) return false;
  if (address.size() != (subnet.source_length + 7u) / 8) return false;
  const unsigned spare_bits = static_cast<unsigned>(address.size() * 8) - subnet.source_length;
  if (spare_bits > 0 && (address.back() & ((1u << spare_bits) - 1)) != 0) return false;
  subnet.address = {};
  if (subnet.family == 2) subnet.address.family = geo::Family::ipv6;
  std::copy(address.begin(), address.end(), subnet.address.bytes.begin());
  return true;
}

/// RFC 7873 5.2.2. Of several, only the first counts.
bool parse_cookie(std::span<const uint8_t> option, Cookie& cookie) {
  constexpr size_t least = client_cookie_bytes + 8, most = client_cookie_bytes + 32;
  if (option.size() != client_cookie_bytes && (option.size() < least || option.size() > most)) return false;
  if (cookie.present) return true;
  cookie.present = true;
  cookie.server_length = static_cast<uint8_t>(option.size() - client_cookie_bytes);
  std::copy_n(option.begin(), client_cookie_bytes, cookie.client.begin());
  if (cookie.server_length == server_cookie_bytes)
    std::copy_n(option.begin() + client_cookie_bytes, server_cookie_bytes, cookie.server.begin());
  return true;
}

bool parse_option(uint16_t code, std::span<const uint8_t> data, DnsQuery& query) {
  switch (code) {
  case dns::option_ecs:
    return parse_subnet(data, query.subnet);
  case dns::option_cookie:
    return parse_cookie(data, query.cookie);
  case dns::option_nsid: // RFC 5001 2.1: a query's has no data, and any is ignored
    query.nsid = true;
    return true;
  default:
    return true;
  }
}

bool parse_options(std::span<const uint8_t> rdata, DnsQuery& query) {
  while (!rdata.empty()) {
    if (rdata.size() < 4) return false;
    const uint16_t code = load_big16(rdata.data());
    const size_t size = load_big16(rdata.data() + 2);
    if (rdata.size() - 4 < size) return false;
    if (!parse_option(code, rdata.subspan(4, size), query)) return false;
    rdata = rdata.subspan(4 + size);
  }
  return true;
}

/// The OPT whose fixed part is at the cursor (RFC 6891 6.1.2). noerror, or what is wrong with it.
Rcode parse_opt(const Cursor& cursor, std::span<const uint8_t> rdata, DnsQuery& query) {
  if (query.edns) return Rcode::formerr;
  query.edns = true;
  query.udp_size = std::max(load_big16(cursor.here() + 2), dns::udp_plain_max);
  const uint8_t version = cursor.here()[5];
  query.dnssec_ok = (load_big16(cursor.here() + 6) & dns::edns_do) != 0;
  // Only version 0 has options that we could find at fault.
  if (version != 0) return Rcode::badvers;
  return parse_options(rdata, query) ? Rcode::noerror : Rcode::formerr;
}

/// Everything behind the question. Records of other sections mean nothing to an authority, but must be whole.
Rcode parse_records(Cursor cursor, unsigned before_additional, unsigned additional, DnsQuery& query) {
  Rcode worst = Rcode::noerror;
  for (unsigned i = 0; i < before_additional + additional; ++i) {
    const bool root_owner = cursor.left() > 0 && *cursor.here() == 0;
    if (!skip_owner(cursor) || cursor.left() < fixed_record_bytes) return Rcode::formerr;
    const size_t size = load_big16(cursor.here() + 8);
    const bool whole = cursor.left() - fixed_record_bytes >= size;
    if (load_big16(cursor.here()) == dns::OPT) {
      if (!whole || !root_owner || i < before_additional) {
        query.edns = true; // RFC 6891 7: who sent a wrong OPT is told by one that we know EDNS
        return Rcode::formerr;
      }
      const Rcode found = parse_opt(cursor, {cursor.here() + fixed_record_bytes, size}, query);
      if (found == Rcode::formerr) return found;
      if (found != Rcode::noerror) worst = found;
    }
    if (!whole) return Rcode::formerr;
    cursor.at += fixed_record_bytes + size;
  }
  return cursor.left() == 0 ? worst : Rcode::formerr;
}

bool is_name(const FoldedName& name, std::string_view wire) {
  return name.length == wire.size() && std::memcmp(name.bytes.data(), wire.data(), wire.size()) == 0;
}

/// What servers are asked about themselves (RFC 4892; the .bind names are older and asked for more often).
ChaosName chaos_name(const DnsQuery& query) {
  using namespace std::string_view_literals;
  if (query.qtype != dns::TXT && query.qtype != dns::ANY) return ChaosName::none;
  if (is_name(query.name, "\2id\6server\0"sv) || is_name(query.name, "\10hostname\4bind\0"sv))
    return ChaosName::hostname;
  if (is_name(query.name, "\7version\6server\0"sv) || is_name(query.name, "\7version\4bind\0"sv))
    return ChaosName::version;
  return ChaosName::none;
}

/// RCODE for a question that no zone needs to be looked at for; noerror where one must be.
Rcode refusal_of(const DnsQuery& query) {
  switch (query.qtype) {
  case 0:
  case dns::OPT:
  case dns::TSIG:
    return Rcode::formerr;
  case dns::AXFR:
  case dns::IXFR:
    return Rcode::refused;
  default:
    return query.qclass == dns::IN ? Rcode::noerror : Rcode::refused;
  }
}

} // namespace

void parse_query(const uint8_t* message, size_t length, DnsQuery& query) {
  if (length < dns::header_bytes) return finish(query, QueryKind::drop_short, Rcode::noerror);
  query.id = load<uint16_t>(message);
  query.flags = load_big16(message + 2);
  query.edns = false;
  query.dnssec_ok = false;
  query.udp_size = dns::udp_plain_max;
  query.length = static_cast<uint16_t>(length);
  query.question_end = 0;
  query.nsid = false;
  query.chaos = ChaosName::none;
  query.subnet.present = false;
  query.cookie.present = false;
  if (query.flags & dns::QR) return finish(query, QueryKind::drop_response, Rcode::noerror);
  if (query.flags & dns::opcode_mask) return finish(query, QueryKind::header_only, Rcode::notimp);
  Cursor cursor{message, dns::header_bytes, length};
  const unsigned questions = load_big16(message + 4);
  const unsigned before_additional = load_big16(message + 6) + load_big16(message + 8);
  const unsigned additional = load_big16(message + 10);
  if (questions != 1) {
    const bool cookie = questions == 0 &&
                        parse_records(cursor, before_additional, additional, query) == Rcode::noerror &&
                        query.cookie.present;
    return cookie ? finish(query, QueryKind::cookie_only, Rcode::noerror)
                  : finish(query, QueryKind::header_only, Rcode::formerr);
  }
  if (!read_name({cursor.here(), cursor.left()}, query.name))
    return finish(query, QueryKind::header_only, Rcode::formerr);
  cursor.at += query.name.length;
  if (cursor.left() < 4) return finish(query, QueryKind::header_only, Rcode::formerr);
  query.qtype = load_big16(cursor.here());
  query.qclass = load_big16(cursor.here() + 2);
  cursor.at += 4;
  query.question_end = static_cast<uint16_t>(cursor.at);

  Rcode rcode = parse_records(cursor, before_additional, additional, query);
  if (rcode != Rcode::noerror) {
    query.subnet.present = query.cookie.present = query.nsid = false;
    return finish(query, QueryKind::question_only, rcode);
  }
  if (query.qclass == dns::CH && (query.chaos = chaos_name(query)) != ChaosName::none)
    return finish(query, QueryKind::chaos, Rcode::noerror);
  rcode = refusal_of(query);
  finish(query, rcode == Rcode::noerror ? QueryKind::lookup : QueryKind::question_only, rcode);
}

bool is_locatable(const ClientSubnet& subnet) {
  if (!subnet.present || subnet.source_length == 0) return false;
  const auto& bytes = subnet.address.bytes;
  if (subnet.address.family == geo::Family::ipv6) return (bytes[0] & 0xe0) == 0x20; // 2000::/3
  switch (bytes[0]) {
  case 0:
  case 10:
  case 127:
    return false;
  case 100:
    return (bytes[1] & 0xc0) != 64; // 100.64.0.0/10
  case 169:
    return bytes[1] != 254; // link-local
  case 172:
    return (bytes[1] & 0xf0) != 16; // 172.16.0.0/12
  case 192:
    return bytes[1] != 168;
  default:
    return bytes[0] < 224;
  }
}

} // namespace anytick::core
