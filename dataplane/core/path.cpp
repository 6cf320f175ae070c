#include "dataplane/core/path.h"

#include <cassert>
#include <new>
#include <utility>

#include "dataplane/core/dns_answer.h"
#include "dataplane/core/dns_query.h"
#include "dataplane/core/frame.h"
#include "dataplane/core/interleave.h"
#include "dataplane/core/policy.h"

namespace anytick::core {
namespace {

struct DnsWork {
  DnsQuery query;
  Lookup lookup;
};

/// A frame on its way, between the passes of a burst. Large: what is not needed is not touched.
struct Transit {
  Transit() {} // NOLINT: of ntp and dns, the one that it is about begins when it is parsed

  Frame* frame;
  Datagram datagram;
  LimitSource source;
  union {
    NtpRequest ntp;
    DnsWork dns;
  };

  bool is_ntp() const { return datagram.service == Service::ntp; }
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

bool needs_lookup(const View& view, const Transit& transit) {
  return !transit.is_ntp() && needs_lookup(view, transit.dns.query);
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

/// Counter::count_ where the datagram is one to be answered, else why it is dropped.
Counter parse_payload(const WorkerState& worker, const Frame& frame, Transit& transit) {
  const Datagram& datagram = transit.datagram;
  const uint8_t* payload = frame.data + datagram.payload_at();
  if (transit.is_ntp()) {
    new (&transit.ntp) NtpRequest;
    return parse_ntp(worker, payload, datagram.payload_length, datagram.source_port, transit.ntp);
  }
  new (&transit.dns) DnsWork;
  parse_query(payload, datagram.payload_length, transit.dns.query);
  return drop_reason(transit.dns.query.kind);
}

/// First pass: headers, names, addresses. What the second pass reads is on its way into the cache afterwards.
bool receive(const View& view, const Ingress& ingress, WorkerState& worker, Frame& frame, Transit& transit) {
  Counter reason = parse_frame(frame, ingress, transit.datagram);
  if (reason == Counter::punted) {
    frame.verdict = Verdict::punt;
    return false;
  }
  if (reason == Counter::count_) reason = parse_payload(worker, frame, transit);
  if (reason != Counter::count_) {
    drop(frame, worker, reason);
    return false;
  }
  transit.frame = &frame;
  const geo::Address& source = transit.datagram.source;
  if (const Limiter* limits = worker.limits(); limits != nullptr) {
    transit.source = transit.is_ntp() ? limits->ntp_source_of(source) : limits->source_of(source);
    limits->prefetch(transit.source);
  }
  if (needs_lookup(view, transit)) begin_lookup(view, transit.dns.query, source, transit.dns.lookup);
  return true;
}

/// What replies say from now on. The time that earlier ones were told by a clock that was not synchronised, or that was
/// stepped since, is not to be told again in interleaved mode, as if it were good.
void look_at_clock(WorkerState& worker) {
  worker.clock = clock_at(worker.clock_state, worker.wall);
  const bool stepped = is_step(std::exchange(worker.epoch, worker.clock_state.epoch), worker.clock_state.epoch);
  if (worker.interleave != nullptr && (stepped || !worker.clock.is_synchronised())) worker.interleave->forget();
}

/// Whether the source may have an NTP reply, and which. Who has a key is known.
LimitVerdict judge_ntp(WorkerState& worker, const geo::Address& client, const LimitSource& source,
                       const NtpRequest& request) {
  Limiter* limits = worker.limits();
  if (limits == nullptr || request.key != nullptr) return LimitVerdict::send;
  const LimitVerdict verdict =
      limits->judge(source, client, AnswerClass::ntp, worker.ticks, worker.counters, worker.random);
  if (verdict == LimitVerdict::drop) worker.counters.add(Counter::drop_limit);
  return verdict;
}

/// The length of an NTP reply in place of the request; 0 if limits want none.
size_t reply_ntp(WorkerState& worker, Transit& transit, NtpTime waited) {
  const LimitVerdict verdict = judge_ntp(worker, transit.datagram.source, transit.source, transit.ntp);
  if (verdict == LimitVerdict::drop) return 0;
  uint8_t* message = transit.frame->data + transit.datagram.payload_at();
  Departure& departure = worker.departures[worker.departing++];
  departure.frame = transit.frame;
  departure.reply =
      write_ntp_reply(worker, transit.ntp, worker.clock.now - waited, verdict == LimitVerdict::kiss, message);
  return departure.reply.length;
}

/// The length of a DNS reply in place of the query; 0 if limits or policy want none.
size_t reply_dns(const View& view, WorkerState& worker, Transit& transit) {
  const Client client{transit.datagram.source, true};
  auto& [query, lookup] = transit.dns;
  if (!admit(view, worker, client, lookup, query)) return 0;
  const uint32_t payload_at = transit.datagram.payload_at();
  return write_reply(view, worker, query, lookup, client, transit.source, transit.frame->data + payload_at,
                     transit.frame->room - payload_at);
}

/// Last pass. `waited`: since the frame came, by its place in the burst.
void reply(const View& view, const Ingress& ingress, WorkerState& worker, Transit& transit, NtpTime waited) {
  Frame& frame = *transit.frame;
  const size_t length = transit.is_ntp() ? reply_ntp(worker, transit, frame.waited != 0 ? frame.waited : waited)
                                         : reply_dns(view, worker, transit);
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
  alignas(Transit) std::byte memory[burst_max * sizeof(Transit)];
  auto* const burst = reinterpret_cast<Transit*>(memory);
  size_t count = 0;
  worker.departing = 0;
  worker.counters.add(Counter::rx_frames, frames.size());
  bool has_ntp = false;
  for (Frame& frame : frames) {
    if (!receive(view, ingress, worker, frame, *new (burst + count) Transit)) continue;
    has_ntp |= burst[count++].is_ntp();
  }
  for (Transit& transit : std::span(burst, count))
    if (needs_lookup(view, transit)) finish_lookup(view, transit.dns.query, transit.dns.lookup);
  if (has_ntp) look_at_clock(worker);
  const NtpTime apart = has_ntp ? worker.waited / (frames.size() + 1) : 0;
  for (Transit& transit : std::span(burst, count)) {
    const auto behind = static_cast<NtpTime>(frames.data() + frames.size() - transit.frame);
    reply(view, ingress, worker, transit, behind * apart);
  }
}

void depart(WorkerState& worker, const Ingress& ingress, NtpTime start, NtpTime step) {
  for (const auto& [frame, reply] : std::span(worker.departures.data(), worker.departing)) {
    start += step;
    uint8_t* message = frame->data + frame->length - reply.length;
    finish_ntp_reply(reply, start, message);
    if (!ingress.tx_udp_checksum) sum_up(message, reply.open_from(), reply.length);
  }
}

void remember_departures(WorkerState& worker, NtpTime start, NtpTime step) {
  if (!worker.clock.is_synchronised()) return;
  for (const auto& [frame, reply] : std::span(worker.departures.data(), worker.departing))
    worker.interleave->save(reply.received, start += step);
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

std::optional<NtpReply> answer_ntp(WorkerState& worker, const geo::Address& client, uint16_t port, uint8_t* message,
                                   size_t length) {
  NtpRequest request;
  if (const Counter reason = parse_ntp(worker, message, length, port, request); reason != Counter::count_) {
    worker.counters.add(reason);
    return std::nullopt;
  }
  const Limiter* limits = worker.limits();
  const LimitSource source = limits != nullptr ? limits->ntp_source_of(client) : LimitSource();
  const LimitVerdict verdict = judge_ntp(worker, client, source, request);
  if (verdict == LimitVerdict::drop) return std::nullopt;
  look_at_clock(worker);
  return write_ntp_reply(worker, request, worker.clock.now - worker.waited, verdict == LimitVerdict::kiss, message);
}

} // namespace anytick::core
