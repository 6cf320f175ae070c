#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>

#include "dataplane/core/bytes.h"
#include "dataplane/core/checksum.h"
#include "dataplane/core/dns.h"
#include "dataplane/core/dns_query.h"
#include "dataplane/core/view.h"

/// Inside core: a reply while it is written over its query.
namespace anytick::core {

/// Points at a name that starts at `at` of the message (RFC 1035 4.1.4).
inline constexpr size_t pointer_max = 0x3fff;
inline uint16_t pointer_to(size_t at) {
  return static_cast<uint16_t>(0xc000 | at);
}

/// What stands behind the question so far, and what the header will say.
struct Reply {
  uint8_t* message;
  size_t at;    ///< next byte to write
  size_t limit; ///< most bytes before the OPT
  uint16_t answers = 0;
  uint16_t authorities = 0;
  uint16_t additionals = 0; ///< OPT not counted
  dns::Rcode rcode = dns::Rcode::noerror;
  bool authoritative = false;
  bool truncated = false;
  bool nodata = false;
  bool referral = false;
  uint8_t scope = 0; ///< longest prefix length consulted

  bool fits(size_t bytes) const { return bytes <= limit - at; }
};

/// A records of one RRset: with a pointer as owner they are of 16 bytes, of which only the last 4 differ.
class AddressRecords {
 public:
  static constexpr uint32_t bytes = 16;

  /// TTL in seconds.
  AddressRecords(uint16_t owner, uint32_t ttl)
      : words_{big16(owner) | uint32_t{big16(dns::A)} << 16, big16(dns::IN) | big32(ttl) << 16,
               big32(ttl) >> 16 | uint32_t{big16(4)} << 16} {}

  /// Address in wire order.
  void write(uint8_t* to, uint32_t address) const {
    Words record = words_;
    record[3] = address;
    store(to, record);
  }
  /// What so many of them sum up to without their addresses.
  uint64_t sum(uint64_t count) const { return (uint64_t{words_[0]} + words_[1] + words_[2]) * count; }

 private:
  using Words [[gnu::vector_size(16)]] = uint32_t;
  Words words_;
};

/// Appends a record whose owner is a pointer. `record`: from its type on. Precondition: it fits.
inline void write_record(Reply& reply, uint16_t owner, std::span<const uint8_t> record) {
  store_big16(reply.message + reply.at, owner);
  std::memcpy(reply.message + reply.at + 2, record.data(), record.size());
  reply.at += 2 + record.size();
}

/// Whether the reply has an OPT.
inline bool has_opt(const DnsQuery& query) {
  return query.edns && query.kind != QueryKind::header_only;
}

/// What the client's cookie is worth, and the one that it gets (RFC 7873 5.2).
struct CookieCheck {
  CookieState state = CookieState::none; ///< none, too, where no cookies are given
  ServerCookie reply{};
};

/// Checks and counts it.
CookieCheck check_cookie(const View& view, WorkerState& worker, const DnsQuery& query, const geo::Address& source);

Counter counter_of(dns::Rcode rcode);

/// The options that a reply's OPT carries. Those that would not fit beside the question are left out.
class ReplyOptions {
 public:
  /// `room`: bytes behind the question.
  ReplyOptions(const Identity* identity, const DnsQuery& query, const CookieCheck& cookie, size_t room) {
    if (has_opt(query)) choose(identity, query, cookie, room);
  }

  size_t opt_bytes() const { return size_; }
  bool has_cookie() const { return cookie_ != nullptr; }
  /// Appends the OPT (RFC 6891 6.1.2), if the query had one.
  void write(const DnsQuery& query, Reply& reply) const {
    if (size_ != 0) write_opt(query, reply);
  }

 private:
  void choose(const Identity* identity, const DnsQuery& query, const CookieCheck& cookie, size_t room);
  bool take(size_t data, size_t room);
  void write_opt(const DnsQuery& query, Reply& reply) const;

  size_t size_ = 0; ///< of the OPT
  bool subnet_ = false;
  const ServerCookie* cookie_ = nullptr;
  std::string_view nsid_;
};

/// Answers a question about this server (RFC 4892).
void answer_chaos(const Identity* identity, const DnsQuery& query, Reply& reply);

/// Returns its sum.
inline uint64_t write_header(const DnsQuery& query, const Reply& reply) {
  const unsigned copied = query.rcode == dns::Rcode::notimp ? dns::opcode_mask : dns::RD;
  const unsigned flags = dns::QR | (static_cast<unsigned>(reply.rcode) & 0xf) | (query.flags & copied) |
                         (reply.authoritative ? unsigned{dns::AA} : 0u) | (reply.truncated ? unsigned{dns::TC} : 0u);
  const uint16_t questions = query.question_end != 0 ? big16(1) : uint16_t{0};
  const auto additionals = static_cast<uint16_t>(reply.additionals + (has_opt(query) ? 1 : 0));
  const uint64_t first = query.id | uint64_t{big16(static_cast<uint16_t>(flags))} << 16 | uint64_t{questions} << 32 |
                         uint64_t{big16(reply.answers)} << 48;
  const uint32_t second = big16(reply.authorities) | uint32_t{big16(additionals)} << 16;
  store(reply.message, first);
  store(reply.message + 8, second);
  return add_word(first, second);
}

/// Counts the reply as what it is.
inline void count_reply(Counters& counters, const DnsQuery& query, const Reply& reply) {
  counters.add(Counter::dns_answered);
  counters.add(reply.rcode == dns::Rcode::noerror ? Counter::rcode_noerror : counter_of(reply.rcode));
  if (reply.nodata) counters.add(Counter::dns_nodata);
  if (reply.truncated) counters.add(Counter::dns_truncated);
  if (reply.referral) counters.add(Counter::dns_referral);
  if (query.kind == QueryKind::chaos) counters.add(Counter::dns_chaos);
  if (query.edns) counters.add(Counter::dns_edns);
  if (query.subnet.present) counters.add(Counter::dns_ecs);
}

} // namespace anytick::core
