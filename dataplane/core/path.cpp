#include "dataplane/core/path.h"

#include <algorithm>
#include <cassert>
#include <new>
#include <utility>

#include "dataplane/core/checksum.h"
#include "dataplane/core/dns_answer.h"
#include "dataplane/core/dns_query.h"
#include "dataplane/core/fast_frame.h"
#include "dataplane/core/frame.h"
#include "dataplane/core/interleave.h"
#include "dataplane/core/plain_query.h"
#include "dataplane/core/policy.h"

namespace anytick::core {
namespace {

struct DnsWork {
  DnsQuery query;
  Lookup lookup;
};

/// Which way a frame takes through the passes of a burst.
enum class Way : uint8_t { plain, dns, ntp };

/// A frame on its way. Large: what is not needed is not touched, and nothing begins before it is parsed.
struct Transit {
  Transit() {} // NOLINT

  Frame* frame;
  Way way;
  bool fast; ///< parse_fast_frame() took it
  LimitSource source;
  union {
    Datagram datagram;
  };
  union {
    PlainQuery plain;
    NtpRequest ntp;
    DnsWork dns;
  };

  uint8_t* message() const { return frame->data + datagram.payload_at(); }
  size_t room() const { return frame->room - datagram.payload_at(); }
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

/// What the passes of a burst share.
struct Burst {
  Burst(const View& burst_view, const Ingress& port, WorkerState& state)
      : view(burst_view), ingress(port), fast(port), worker(state), limits(state.limits()), decks(state.decks),
        lane(is_lane_open(burst_view, limits)) {
    if (decks != nullptr && view.join != nullptr) decks->begin(*view.join);
  }

  const View& view;
  const Ingress& ingress;
  const FastIngress fast;
  WorkerState& worker;
  Limiter* const limits;
  Decks* const decks;
  const bool lane; ///< plain queries are answered in theirs
};

/// Counter::count_ where the datagram is one to be answered, else why it is dropped.
Counter parse_payload(const WorkerState& worker, Transit& transit) {
  const Datagram& datagram = transit.datagram;
  if (datagram.service == Service::ntp) {
    transit.way = Way::ntp;
    new (&transit.ntp) NtpRequest;
    return parse_ntp(worker, transit.message(), datagram.payload_length, datagram.source_port, transit.ntp);
  }
  transit.way = Way::dns;
  new (&transit.dns) DnsWork;
  parse_query(transit.message(), datagram.payload_length, transit.dns.query);
  return drop_reason(transit.dns.query.kind);
}

/// What the later passes read is on its way into the cache afterwards.
void prefetch(const Burst& burst, Transit& transit) {
  const geo::Address& source = transit.datagram.source;
  if (transit.way == Way::plain) {
    burst.view.join->names().prefetch(transit.plain.hash);
    burst.view.map->prefetch_ipv4(source.to_ipv4());
  }
  if (burst.limits != nullptr) {
    transit.source = transit.way == Way::ntp ? burst.limits->ntp_source_of(source) : burst.limits->source_of(source);
    burst.limits->prefetch(transit.source);
  }
}

/// First pass: headers and messages. False where the frame is a punt or dropped.
bool receive(const Burst& burst, Frame& frame, Transit& transit) {
  transit.frame = &frame;
  transit.fast = parse_fast_frame(frame, burst.fast, transit.datagram);
  Counter reason = Counter::count_;
  if (transit.fast && burst.lane && transit.datagram.service == Service::dns && transit.room() >= plain_reply_max &&
      parse_plain_query(transit.message(), transit.datagram.payload_length, transit.plain)) [[likely]] {
    transit.way = Way::plain;
  } else {
    if (!transit.fast) {
      new (&transit.datagram) Datagram;
      reason = parse_frame(frame, burst.ingress, transit.datagram);
    }
    if (reason == Counter::count_) reason = parse_payload(burst.worker, transit);
  }
  if (reason == Counter::count_) [[likely]] {
    prefetch(burst, transit);
    return true;
  }
  if (reason == Counter::punted) {
    frame.verdict = Verdict::punt;
  } else {
    drop(frame, burst.worker, reason);
  }
  return false;
}

/// Second pass, for those that were parsed: apart from the first, as what was just stored is slow to be loaded in other
/// pieces.
void locate(const Burst& burst, Transit& transit) {
  if (transit.way == Way::dns && needs_lookup(burst.view, transit.dns.query))
    begin_lookup(burst.view, transit.dns.query, transit.datagram.source, transit.dns.lookup);
}

/// Third pass: names and places, and with them what answers.
void look_up(const Burst& burst, Transit& transit) {
  if (transit.way == Way::plain) {
    PlainQuery& query = transit.plain;
    if (find_plain_answer(burst.view, transit.datagram.source, transit.message(), query)) [[likely]] {
      if (burst.decks != nullptr) query.card = burst.decks->choose(query.set_index, burst.worker.random);
      return;
    }
    parse_payload(burst.worker, transit); // which drops none that might have been plain
    locate(burst, transit);
  }
  if (transit.way == Way::dns && needs_lookup(burst.view, transit.dns.query))
    finish_lookup(burst.view, transit.dns.query, transit.dns.lookup);
}

/// What replies say from now on. The time that earlier ones were told by a clock that was not synchronised, or that was
/// stepped since, is not to be told again in interleaved mode, as if it were good.
/// `unsure`: by how much a time of receipt may be wrong. Of the offset that a client finds that is half.
void look_at_clock(WorkerState& worker, NtpTime unsure) {
  constexpr double units = 4294967296.0; // of NtpTime, in a second
  worker.clock = clock_at(worker.clock_state, worker.wall, static_cast<double>(unsure) / (2 * units));
  const bool stepped = is_step(std::exchange(worker.epoch, worker.clock_state.epoch), worker.clock_state.epoch);
  if (worker.interleave != nullptr && (stepped || !worker.clock.is_synchronised())) worker.interleave->forget();
}

/// Whether the source may have an NTP reply, and which. Who has a key is known.
LimitVerdict judge_ntp(WorkerState& worker, const geo::Address& client, const LimitSource& source,
                       const NtpRequest& request) {
  Limiter* limits = worker.limits();
  if (limits == nullptr || request.key != nullptr) return LimitVerdict::send;
  return limits->judge(source, client, AnswerClass::ntp, worker.ticks, worker.counters, worker.random);
}

/// What a reply carries in place of a request; nothing where limits or policy want no reply.
struct Payload {
  size_t length = 0;
  uint64_t sum = 0; ///< of its bytes (checksum.h)
};

Payload reply_plain(const Burst& burst, Transit& transit) {
  WorkerState& worker = burst.worker;
  bool truncated = false;
  if (burst.limits != nullptr) {
    const LimitVerdict verdict = burst.limits->judge(transit.source, transit.datagram.source, AnswerClass::answer,
                                                     worker.ticks, worker.counters, worker.random);
    if (verdict == LimitVerdict::drop) return {};
    truncated = verdict == LimitVerdict::truncate;
  }
  const Written reply = write_plain_reply(worker, transit.plain, truncated, transit.message());
  worker.counters.add(Counter::dns_answered);
  worker.counters.add(Counter::rcode_noerror);
  if (transit.plain.edns) worker.counters.add(Counter::dns_edns);
  if (truncated) worker.counters.add(Counter::dns_truncated);
  return {reply.length, add_word(transit.datagram.payload_sum, reply.sum_change)};
}

Payload reply_ntp(WorkerState& worker, Transit& transit, NtpTime waited) {
  const LimitVerdict verdict = judge_ntp(worker, transit.datagram.source, transit.source, transit.ntp);
  if (verdict == LimitVerdict::drop) return {};
  uint8_t* message = transit.message();
  Departure& departure = worker.departures[worker.departing++];
  departure.frame = transit.frame;
  departure.reply =
      write_ntp_reply(worker, transit.ntp, worker.clock.now - waited, verdict == LimitVerdict::kiss, message);
  const size_t length = departure.reply.length;
  return {length, length == ntp_header_bytes ? sum_bytes<ntp_header_bytes>(message) : sum_bytes(message, length)};
}

Payload reply_dns(const View& view, WorkerState& worker, Transit& transit) {
  const Client client{transit.datagram.source, true};
  auto& [query, lookup] = transit.dns;
  if (!admit(view, worker, client, lookup, query)) return {};
  const Written reply =
      write_reply(view, worker, query, lookup, client, transit.source, transit.message(), transit.room());
  return {reply.length, add_word(transit.datagram.payload_sum, reply.sum_change)};
}

Payload write_payload(const Burst& burst, Transit& transit, NtpTime waited) {
  switch (transit.way) {
  case Way::plain:
    return reply_plain(burst, transit);
  case Way::dns:
    return reply_dns(burst.view, burst.worker, transit);
  case Way::ntp:
    return reply_ntp(burst.worker, transit, transit.frame->waited != 0 ? transit.frame->waited : waited);
  }
  __builtin_unreachable();
}

/// Last pass. `waited`: since the frame came, by its place in the burst.
void reply(const Burst& burst, Transit& transit, NtpTime waited) {
  Frame& frame = *transit.frame;
  const Payload payload = write_payload(burst, transit, waited);
  if (payload.length == 0) {
    frame.verdict = Verdict::drop;
    return;
  }
  frame.verdict = Verdict::reply;
  if (transit.fast) [[likely]]
    return turn_fast_frame(frame, burst.fast, transit.datagram, static_cast<uint32_t>(payload.length), payload.sum);
  turn_around(frame, burst.ingress, transit.datagram, static_cast<uint16_t>(payload.length), payload.sum);
}

} // namespace

void handle(const View& view, const Ingress& ingress, WorkerState& worker, std::span<Frame> frames) {
  assert(frames.size() <= burst_max);
  alignas(Transit) std::byte memory[burst_max * sizeof(Transit)];
  auto* const transits = reinterpret_cast<Transit*>(memory);
  const Burst burst(view, ingress, worker);
  worker.departing = 0;
  worker.counters.add(Counter::rx_frames, frames.size());
  size_t count = 0;
  std::array<bool, 3> has{}; // by Way
  for (Frame& frame : frames)
    if (receive(burst, frame, *new (transits + count) Transit)) has[static_cast<size_t>(transits[count++].way)] = true;
  const auto [has_plain, has_dns, has_ntp] = has;
  if (has_dns)
    for (Transit& transit : std::span(transits, count)) locate(burst, transit);
  if (has_plain || has_dns)
    for (Transit& transit : std::span(transits, count)) look_up(burst, transit);
  NtpTime apart = 0;
  if (has_ntp) {
    const bool guessed = std::ranges::any_of(frames, [](const Frame& frame) { return frame.waited == 0; });
    look_at_clock(worker, guessed ? worker.waited : 0);
    apart = worker.waited / (frames.size() + 1);
  }
  for (Transit& transit : std::span(transits, count)) {
    const auto behind = static_cast<NtpTime>(frames.data() + frames.size() - transit.frame);
    reply(burst, transit, worker.delay + behind * apart);
  }
}

void depart(WorkerState& worker, const Ingress& ingress, NtpTime start, NtpTime step) {
  for (const auto& [frame, reply] : std::span(worker.departures.data(), worker.departing)) {
    start += step;
    uint8_t* message = frame->data + frame->length - reply.length;
    finish_ntp_reply(reply, start, message);
    if (ingress.tx_udp_checksum) continue;
    if (reply.length == ntp_header_bytes && !reply.interleaved) [[likely]]
      sum_up(message, ntp_transmit_at, ntp_header_bytes);
    else
      sum_up(message, reply.open_from(), reply.length);
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
  return write_reply(view, worker, query, lookup, client, source, message, room).length;
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
  look_at_clock(worker, 0);
  return write_ntp_reply(worker, request, worker.clock.now - worker.waited, verdict == LimitVerdict::kiss, message);
}

} // namespace anytick::core
