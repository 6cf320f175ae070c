#include "dataplane/core/dns_reply.h"

#include "dataplane/core/identity.h"

namespace anytick::core {
namespace {

using dns::Rcode;

constexpr size_t option_head = 4; // code, length

Counter counter_of(CookieState state) {
  switch (state) {
  case CookieState::client_only:
    return Counter::cookie_client_only;
  case CookieState::good:
    return Counter::cookie_good;
  default:
    return Counter::cookie_bad;
  }
}

size_t subnet_data(const ClientSubnet& subnet) {
  return 4 + (subnet.source_length + 7u) / 8;
}

uint8_t* begin_option(uint8_t* to, uint16_t code, size_t size) {
  store_big16(to, code);
  store_big16(to + 2, static_cast<uint16_t>(size));
  return to + option_head;
}

/// Given back as it came, with the scope of this answer (RFC 7871 7.2.1).
uint8_t* write_subnet(uint8_t* to, const ClientSubnet& subnet, uint8_t scope) {
  const size_t size = subnet_data(subnet);
  to = begin_option(to, dns::option_ecs, size);
  store_big16(to, subnet.family);
  to[2] = subnet.source_length;
  to[3] = scope;
  std::memcpy(to + 4, subnet.address.bytes.data(), size - 4);
  return to + size;
}

} // namespace

Counter counter_of(Rcode rcode) {
  switch (rcode) {
  case Rcode::noerror:
    return Counter::rcode_noerror;
  case Rcode::formerr:
    return Counter::rcode_formerr;
  case Rcode::servfail:
    return Counter::rcode_servfail;
  case Rcode::nxdomain:
    return Counter::rcode_nxdomain;
  case Rcode::notimp:
    return Counter::rcode_notimp;
  case Rcode::refused:
    return Counter::rcode_refused;
  case Rcode::badvers:
    return Counter::rcode_badvers;
  case Rcode::badcookie:
    return Counter::rcode_badcookie;
  }
  __builtin_unreachable();
}

CookieCheck check_cookie(const View& view, WorkerState& worker, const DnsQuery& query, const geo::Address& source) {
  CookieCheck check;
  if (!query.edns || !query.cookie.present || view.cookie_keys == nullptr || view.cookie_keys->count == 0) return check;
  check.state = check_cookie(*view.cookie_keys, query.cookie, worker.now, source, check.reply);
  worker.counters.add(counter_of(check.state));
  return check;
}

void ReplyOptions::choose(const Identity* identity, const DnsQuery& query, const CookieCheck& cookie, size_t room) {
  size_ = dns::opt_bytes;
  if (query.subnet.present) subnet_ = take(subnet_data(query.subnet), room);
  if (cookie.state != CookieState::none && take(client_cookie_bytes + server_cookie_bytes, room))
    cookie_ = &cookie.reply;
  if (query.nsid && identity != nullptr && !identity->nsid.empty() && take(identity->nsid.size(), room))
    nsid_ = identity->nsid;
}

bool ReplyOptions::take(size_t data, size_t room) {
  if (size_ + option_head + data > room) return false;
  size_ += option_head + data;
  return true;
}

void ReplyOptions::write_opt(const DnsQuery& query, Reply& reply) const {
  uint8_t* to = reply.message + reply.at;
  to[0] = 0;
  store_big16(to + 1, dns::OPT);
  store_big16(to + 3, dns::udp_edns_max);
  to[5] = static_cast<uint8_t>(static_cast<unsigned>(reply.rcode) >> 4);
  to[6] = 0;
  store_big16(to + 7, query.dnssec_ok ? dns::edns_do : 0);
  store_big16(to + 9, static_cast<uint16_t>(size_ - dns::opt_bytes));
  to += dns::opt_bytes;
  if (subnet_) to = write_subnet(to, query.subnet, reply.scope);
  if (cookie_ != nullptr) {
    to = begin_option(to, dns::option_cookie, client_cookie_bytes + server_cookie_bytes);
    to = std::copy(query.cookie.client.begin(), query.cookie.client.end(), to);
    to = std::copy(cookie_->begin(), cookie_->end(), to);
  }
  if (!nsid_.empty()) {
    to = begin_option(to, dns::option_nsid, nsid_.size());
    std::copy(nsid_.begin(), nsid_.end(), to);
  }
  reply.at += size_;
}

void answer_chaos(const Identity* identity, const DnsQuery& query, Reply& reply) {
  const std::optional<std::string> nothing;
  const std::optional<std::string>& text = identity == nullptr                  ? nothing
                                           : query.chaos == ChaosName::hostname ? identity->hostname
                                                                                : identity->version;
  if (!text) {
    reply.rcode = Rcode::refused;
    return;
  }
  std::array<uint8_t, 10 + 256> record;
  const size_t size = 11 + text->size();
  store_big16(&record[0], dns::TXT);
  store_big16(&record[2], dns::CH);
  store_big32(&record[4], 0);
  store_big16(&record[8], static_cast<uint16_t>(1 + text->size()));
  record[10] = static_cast<uint8_t>(text->size());
  std::copy(text->begin(), text->end(), record.begin() + 11);
  reply.authoritative = true;
  if (reply.fits(2 + size)) {
    write_record(reply, pointer_to(dns::header_bytes), std::span(record).first(size));
    reply.answers = 1;
  } else {
    reply.truncated = true;
  }
}

} // namespace anytick::core
