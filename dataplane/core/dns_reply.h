#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>

#include "dataplane/core/bytes.h"
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

/// Appends a record whose owner is a pointer. `record`: from its type on. Precondition: it fits.
inline void write_record(Reply& reply, uint16_t owner, std::span<const uint8_t> record) {
  store_big16(reply.message + reply.at, owner);
  std::memcpy(reply.message + reply.at + 2, record.data(), record.size());
  reply.at += 2 + record.size();
}

/// What the client's cookie is worth, and the one that it gets (RFC 7873 5.2).
struct CookieCheck {
  CookieState state = CookieState::none; ///< none, too, where no cookies are given
  ServerCookie reply{};
};

/// Checks and counts it.
CookieCheck check_cookie(const View& view, WorkerState& worker, const DnsQuery& query, const geo::Address& source);

/// The options that a reply's OPT carries. Those that would not fit beside the question are left out.
class ReplyOptions {
 public:
  /// `room`: bytes behind the question.
  ReplyOptions(const Identity* identity, const DnsQuery& query, const CookieCheck& cookie, size_t room);

  size_t opt_bytes() const { return size_; }
  bool has_cookie() const { return cookie_ != nullptr; }
  /// Appends the OPT (RFC 6891 6.1.2), if the query had one.
  void write(const DnsQuery& query, Reply& reply) const;

 private:
  bool take(size_t data, size_t room);

  size_t size_ = 0; ///< of the OPT
  bool subnet_ = false;
  const ServerCookie* cookie_ = nullptr;
  std::string_view nsid_;
};

/// Answers a question about this server (RFC 4892).
void answer_chaos(const Identity* identity, const DnsQuery& query, Reply& reply);

void write_header(const DnsQuery& query, const Reply& reply);

/// Counts the reply as what it is.
void count_reply(Counters& counters, const DnsQuery& query, const Reply& reply);

} // namespace anytick::core
