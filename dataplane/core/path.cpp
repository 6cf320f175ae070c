#include "dataplane/core/path.h"

#include <cassert>

#include "dataplane/core/dns_answer.h"
#include "dataplane/core/dns_query.h"
#include "dataplane/core/frame.h"
#include "dataplane/core/policy.h"

namespace anytick::core {
namespace {

/// A frame on its way, between the passes of a burst.
struct Transit {
  Frame* frame;
  Datagram datagram;
  DnsQuery query;
  Lookup lookup;
  LimitSource source;
};

void drop(Frame& frame, WorkerState& worker, Counter reason) {
  frame.verdict = Verdict::drop;
  worker.counters.add(reason);
}

Counter drop_reason(QueryKind kind) {
  switch (kind) {
  case QueryKind::drop_short:
    return Counter::drop_dns_short;
  case QueryKind::drop_response:
    return Counter::drop_dns_response;
  default:
    return Counter::count_;
  }
}

bool needs_lookup(const View& view, const DnsQuery& query) {
  return query.kind == QueryKind::lookup && view.join != nullptr;
}

/// The country of the client, zero where nobody knows.
std::array<char, 2> country_of(const geo::Map* map, const Lookup& lookup) {
  if (map == nullptr) return {};
  return map->location_of(lookup.place).country;
}

/// What the operator wants done with the query, done to it; false to drop it.
bool admit(const View& view, WorkerState& worker, const Client& client, const Lookup& lookup, DnsQuery& query) {
  if (view.policy == nullptr || !needs_lookup(view, query)) return true;
  const bool miss = is_miss(view, query, lookup);
  if (!view.policy->looks_at(miss)) return true;
  const PolicyQuery asked{query.name, query.qtype, miss, client.udp, client.address, country_of(view.map, lookup)};
  switch (view.policy->judge(asked, worker.thread, worker.limiter, worker.ticks)) {
  case PolicyVerdict::allow:
    return true;
  case PolicyVerdict::drop:
    worker.counters.add(Counter::drop_policy);
    return false;
  case PolicyVerdict::refuse:
    worker.counters.add(Counter::policy_refused);
    query.kind = QueryKind::question_only;
    query.rcode = dns::Rcode::refused;
    return true;
  case PolicyVerdict::truncate:
    worker.counters.add(Counter::policy_truncated);
    query.kind = QueryKind::truncate;
    return true;
  }
  __builtin_unreachable();
}

/// First pass: headers, names, addresses. What the second pass reads is on its way into the cache afterwards.
bool receive(const View& view, const Ingress& ingress, WorkerState& worker, Frame& frame, Transit& transit) {
  Counter reason = parse_frame(frame, ingress, transit.datagram);
  if (reason == Counter::punted) {
    frame.verdict = Verdict::punt;
    return false;
  }
  if (reason == Counter::count_) {
    parse_query(frame.data + transit.datagram.payload_at(), transit.datagram.payload_length, transit.query);
    reason = drop_reason(transit.query.kind);
  }
  if (reason != Counter::count_) {
    drop(frame, worker, reason);
    return false;
  }
  transit.frame = &frame;
  if (const Limiter* limits = worker.limits(); limits != nullptr) {
    transit.source = limits->source_of(transit.datagram.source);
    limits->prefetch(transit.source);
  }
  if (needs_lookup(view, transit.query)) begin_lookup(view, transit.query, transit.datagram.source, transit.lookup);
  return true;
}

/// Last pass: the reply, in place of the query; none if that is what limits or policy want.
void reply(const View& view, const Ingress& ingress, WorkerState& worker, Transit& transit) {
  Frame& frame = *transit.frame;
  const uint32_t payload_at = transit.datagram.payload_at();
  const Client client{transit.datagram.source, true};
  size_t length = 0;
  if (admit(view, worker, client, transit.lookup, transit.query))
    length = write_reply(view, worker, transit.query, transit.lookup, client, transit.source, frame.data + payload_at,
                         frame.room - payload_at);
  if (length == 0) {
    frame.verdict = Verdict::drop;
    return;
  }
  turn_around(frame, ingress, transit.datagram, static_cast<uint16_t>(length));
  frame.verdict = Verdict::reply;
}

} // namespace

void handle(const View& view, const Ingress& ingress, WorkerState& worker, std::span<Frame> frames) {
  assert(frames.size() <= burst_max);
  Transit burst[burst_max];
  size_t count = 0;
  worker.counters.add(Counter::rx_frames, frames.size());
  for (Frame& frame : frames) count += receive(view, ingress, worker, frame, burst[count]);
  for (Transit& transit : std::span(burst, count))
    if (needs_lookup(view, transit.query)) finish_lookup(view, transit.query, transit.lookup);
  for (Transit& transit : std::span(burst, count)) reply(view, ingress, worker, transit);
}

size_t answer(const View& view, WorkerState& worker, const Client& client, uint8_t* message, size_t length,
              size_t room) {
  DnsQuery query;
  Lookup lookup;
  parse_query(message, length, query);
  if (const Counter reason = drop_reason(query.kind); reason != Counter::count_) {
    worker.counters.add(reason);
    return 0;
  }
  if (needs_lookup(view, query)) {
    begin_lookup(view, query, client.address, lookup);
    finish_lookup(view, query, lookup);
  }
  if (!admit(view, worker, client, lookup, query)) return 0;
  const Limiter* limits = worker.limits();
  const LimitSource source = limits != nullptr ? limits->source_of(client.address) : LimitSource();
  return write_reply(view, worker, query, lookup, client, source, message, room);
}

} // namespace anytick::core
