#include "dataplane/core/dns_answer.h"

#include <algorithm>

#include "dataplane/core/bytes.h"
#include "dataplane/core/checksum.h"
#include "dataplane/core/deck.h"
#include "dataplane/core/dns_location.h"
#include "dataplane/core/dns_reply.h"
#include "dataplane/core/join.h"

namespace anytick::core {
namespace {

using dns::Rcode;

// RFC 8482 4.2 answers ANY by this; a resolver may keep it for long, it says nothing.
constexpr std::array<uint8_t, 9> any_rdata{7, 'R', 'F', 'C', '8', '4', '8', '2', 0};
constexpr uint32_t any_ttl = 3600;

// Longer chains of CNAMEs end where they are: the resolver goes on from there.
constexpr unsigned cname_steps_max = 8;

void write_addresses(Reply& reply, const ReadySet& set, uint16_t owner, std::span<const uint32_t> from) {
  const AddressRecords records(owner, set.ttl);
  for (const uint32_t address : from) {
    records.write(reply.message + reply.at, address);
    reply.at += AddressRecords::bytes;
  }
  reply.answers = static_cast<uint16_t>(reply.answers + from.size());
}

void write_drawn(const Join& join, WorkerState& worker, Reply& reply, const ReadySet& set, uint16_t owner) {
  if (worker.decks != nullptr && Decks::have(set)) {
    const uint32_t index = join.index_of(set);
    const Decks::Card card = worker.decks->take(set, index, worker.decks->choose(index, worker.random), worker.random);
    return write_addresses(reply, set, owner, card.span());
  }
  Drawn drawn;
  draw(set.draw, set.max_records, worker.random, drawn);
  if (set.type == dns::A) return write_addresses(reply, set, owner, std::span(drawn.values, drawn.count));
  reply.answers = static_cast<uint16_t>(reply.answers + drawn.count);
  for (unsigned i = 0; i < drawn.count; ++i) write_record(reply, owner, join.record(set, drawn.indices[i]));
}

void write_client_location(const geo::Map* map, const Lookup& lookup, Reply& reply, const ReadySet& set,
                           uint16_t owner) {
  std::array<uint8_t, location_record_max> record;
  write_record(reply, owner, write_location(map, {lookup.located, lookup.by_subnet, lookup.place}, set.ttl, record));
  reply.answers = static_cast<uint16_t>(reply.answers + 1);
  reply.scope = std::max(reply.scope, location_scope(map, lookup.place));
}

/// Adds an RRset to the answer section. If it does not fit the answer is truncated, whole RRsets at a time.
bool write_set(const View& view, WorkerState& worker, const Lookup& lookup, Reply& reply, const ReadySet& set,
               uint16_t owner) {
  if (!reply.fits(set.answer_bytes)) {
    reply.truncated = true;
    return false;
  }
  if (set.kind == AnswerKind::draw) {
    write_drawn(*view.join, worker, reply, set, owner);
  } else if (set.kind == AnswerKind::location) [[unlikely]] {
    write_client_location(view.map, lookup, reply, set, owner);
  } else {
    for (uint32_t i = 0; i < set.max_records; ++i) write_record(reply, owner, view.join->record(set, i));
    reply.answers = static_cast<uint16_t>(reply.answers + set.max_records);
  }
  return true;
}

/// The SOA of a negative answer (RFC 2308 3). `name_at` is where the denied name stands, which ends in the apex.
void write_denial(const Join& join, Reply& reply, const ReadyZone& zone, size_t name_at, size_t name_length) {
  const auto record = join.record(join.set(zone.soa), 0);
  if (!reply.fits(2 + record.size())) {
    reply.truncated = true;
    return;
  }
  const size_t apex_at = name_at + name_length - zone.apex_length;
  const size_t start = reply.at;
  write_record(reply, pointer_to(apex_at), record);
  store_big32(reply.message + start + 6, zone.negative_ttl);
  reply.authorities = 1;
}

void write_any(Reply& reply, uint16_t owner) {
  std::array<uint8_t, 10 + any_rdata.size()> record;
  store_big16(&record[0], dns::HINFO);
  store_big16(&record[2], dns::IN);
  store_big32(&record[4], any_ttl);
  store_big16(&record[8], any_rdata.size());
  std::copy(any_rdata.begin(), any_rdata.end(), record.begin() + 10);
  if (reply.fits(2 + record.size())) {
    write_record(reply, owner, record);
    reply.answers = static_cast<uint16_t>(reply.answers + 1);
  } else {
    reply.truncated = true;
  }
}

struct NodeMatch {
  uint32_t node;
  bool exact;
};

/// The closest encloser of a name that is no node itself (RFC 4592 3.3.1).
NodeMatch closest_encloser(const NameTable& names, const FoldedName& name) {
  const SuffixHashes hashes(name);
  for (unsigned i = 1; i <= name.labels; ++i)
    if (const uint32_t node = names.find(hashes.of(i), name.suffix(i)); node != NameTable::none) return {node, false};
  return {NameTable::none, false};
}

NodeMatch find_node(const NameTable& names, const FoldedName& name, uint64_t hash) {
  const uint32_t node = names.find(hash, name.suffix(0));
  if (node != NameTable::none) return {node, true};
  return closest_encloser(names, name);
}

/// The RRset that a node answers this client with; null is NODATA.
const ReadySet* choose_set(const Join& join, const ReadyNode& node, uint16_t type, const Lookup& lookup, Reply& reply) {
  const AnswerRef answer = join.answer_for(node, type);
  if (answer.is_none()) return nullptr;
  if (!answer.is_row()) return &join.set(answer.index());
  const ReadyGroup& group = join.group(join.zone(node.zone), answer);
  const ClientClass client = Join::class_of(group, lookup.place, lookup.located);
  reply.scope = std::max(reply.scope, client.scope);
  const uint32_t index = join.in_row(answer, client.number);
  return index == AnswerRef::none_index ? nullptr : &join.set(index);
}

/// The zone that a name lies in is someone else's: its name servers, and what they are reached at. All of it or TC,
/// since a resolver could not go on without the addresses (RFC 9471).
void write_referral(const Join& join, Reply& reply, const Referral& referral, size_t name_at, size_t name_length) {
  const ReadySet& servers = join.set(referral.servers);
  const uint16_t owner = pointer_to(name_at + name_length - referral.name_length);
  reply.referral = true;
  reply.authoritative = reply.answers > 0; // of the CNAMEs that led here (RFC 1034 4.3.1)
  if (!reply.fits(referral.bytes)) {
    reply.truncated = true;
    return;
  }
  const std::span<const Glue> glue = join.glue(referral);
  auto each = glue.begin();
  const size_t first_at = reply.at;
  for (uint32_t i = 0; i < servers.max_records; ++i) write_record(reply, owner, join.record(servers, i));
  reply.authorities = static_cast<uint16_t>(servers.max_records);
  size_t server_at = first_at;
  for (uint32_t i = 0; i < servers.max_records; ++i) {
    for (; each != glue.end() && each->server == i; ++each)
      write_record(reply, pointer_to(server_at + 12), join.record(*each));
    server_at += 2 + join.record(servers, i).size();
  }
  reply.additionals = static_cast<uint16_t>(glue.size());
}

/// Answers from a zone of ours; CNAMEs are followed inside it, and the RCODE is that of the chain's end (RFC 6604 3).
void answer_from_zone(const View& view, WorkerState& worker, const DnsQuery& query, const Lookup& lookup,
                      Reply& reply) {
  const Join& join = *view.join;
  reply.authoritative = true;
  NodeMatch match{lookup.node, lookup.exact};
  const uint16_t zone_index = join.node(match.node).zone;
  const ReadyZone& zone = join.zone(zone_index);
  size_t name_at = dns::header_bytes;
  size_t name_length = query.name.length;
  std::array<uint64_t, cname_steps_max + 1> owners; // hashes of the chain's names
  owners[0] = lookup.hash;
  for (unsigned step = 0;; ++step) {
    if (const uint32_t cut = join.cut_above(match.node, match.exact, query.qtype); cut != ReadyNode::none) [[unlikely]]
      return write_referral(join, reply, join.referral(cut), name_at, name_length);
    if (!match.exact) match.node = join.node(match.node).wildcard;
    if (match.node == NameTable::none) {
      reply.rcode = Rcode::nxdomain;
      return write_denial(join, reply, zone, name_at, name_length);
    }
    const ReadyNode& node = join.node(match.node);
    if (query.qtype == dns::ANY && (node.type_count > 0 || !node.other.is_none()))
      return write_any(reply, pointer_to(name_at));
    const ReadySet* set = choose_set(join, node, query.qtype, lookup, reply);
    if (set == nullptr) {
      reply.nodata = true;
      return write_denial(join, reply, zone, name_at, name_length);
    }
    const size_t rdata_at = reply.at + 12; // behind a compressed owner
    if (!write_set(view, worker, lookup, reply, *set, pointer_to(name_at))) return;
    if (set->type != dns::CNAME || query.qtype == dns::CNAME || step == cname_steps_max) return;

    FoldedName target;
    if (!read_name({reply.message + rdata_at, reply.at - rdata_at}, target)) return;
    const uint64_t hash = hash_name(target);
    // A loop: no record stands in an answer twice (RFC 2181 5).
    if (std::find(owners.begin(), owners.begin() + step + 1, hash) != owners.begin() + step + 1) return;
    owners[step + 1] = hash;
    match = find_node(join.names(), target, hash);
    if (match.node == NameTable::none || join.node(match.node).zone != zone_index) return;
    name_at = rdata_at;
    name_length = target.length;
  }
}

void answer_lookup(const View& view, WorkerState& worker, const DnsQuery& query, const Lookup& lookup, Reply& reply) {
  if (view.join == nullptr) {
    reply.rcode = Rcode::servfail;
    return;
  }
  if (lookup.node == NameTable::none) {
    reply.rcode = Rcode::refused;
  } else {
    answer_from_zone(view, worker, query, lookup, reply);
  }
  if (!lookup.by_subnet) reply.scope = 0;
}

/// Where the sections behind the question begin.
size_t records_at(const DnsQuery& query) {
  return query.question_end != 0 ? query.question_end : dns::header_bytes;
}

/// What the bytes from `at` to `end` add to the message's sum.
uint64_t sum_tail(const uint8_t* message, size_t at, size_t end) {
  return at == end ? 0 : sum_at(at, sum_bytes(message + at, end - at));
}

void empty_sections(const DnsQuery& query, Reply& reply) {
  reply.at = records_at(query);
  reply.answers = 0;
  reply.authorities = 0;
  reply.additionals = 0;
}

/// Most bytes of a reply. One to somebody who may not be who he says is no more than so many times his query.
size_t reply_max(const WorkerState& worker, const DnsQuery& query, const Client& client, bool proven, size_t room) {
  if (!client.udp) return std::min<size_t>(UINT16_MAX, room);
  size_t most = std::min<size_t>(std::min(query.udp_size, dns::udp_edns_max), room);
  const Limiter* limits = worker.limits();
  if (proven || limits == nullptr) return most;
  const LimitRules& rules = limits->rules();
  if (rules.mode == LimitMode::on && rules.reply_ratio != 0)
    most = std::min<size_t>(most, size_t{rules.reply_ratio} * query.length);
  return most;
}

void write_answer(const View& view, WorkerState& worker, const DnsQuery& query, const Lookup& lookup,
                  const CookieCheck& cookie, Reply& reply) {
  switch (query.kind) {
  case QueryKind::lookup:
    return answer_lookup(view, worker, query, lookup, reply);
  case QueryKind::chaos:
    return answer_chaos(view.identity, query, reply);
  case QueryKind::truncate:
    reply.truncated = true;
    return;
  case QueryKind::cookie_only:
    if (cookie.state == CookieState::bad) reply.rcode = Rcode::badcookie;
    return;
  default:
    return;
  }
}

AnswerClass class_of(const Reply& reply) {
  if (reply.rcode == Rcode::nxdomain) return AnswerClass::nxdomain;
  if (reply.rcode != Rcode::noerror) return AnswerClass::error;
  if (reply.nodata) return AnswerClass::nodata;
  return reply.referral ? AnswerClass::referral : AnswerClass::answer;
}

/// What is left of a reply over its rate: something to come back with.
void truncate(const DnsQuery& query, const ReplyOptions& options, AnswerClass which, Reply& reply) {
  if (which == AnswerClass::error) return; // it is short, and no stream would make it better
  // Who knows cookies comes back with ours, at less cost than over a stream (RFC 7873 5.2.3).
  if (options.has_cookie()) {
    reply.rcode = Rcode::badcookie;
    reply.authoritative = reply.truncated = reply.nodata = reply.referral = false;
    empty_sections(query, reply);
  } else {
    reply.truncated = true;
  }
}

} // namespace

void begin_lookup(const View& view, const DnsQuery& query, const geo::Address& source, Lookup& lookup) {
  lookup.hash = hash_name(query.name);
  view.join->names().prefetch(lookup.hash);
  lookup.by_subnet = query.subnet.present && is_locatable(query.subnet);
  lookup.located = lookup.by_subnet ? query.subnet.address : source;
  if (view.map == nullptr) return;
  if (lookup.located.family == geo::Family::ipv4) {
    view.map->prefetch_ipv4(lookup.located.to_ipv4());
  } else {
    view.map->prefetch_ipv6(lookup.located.high());
  }
}

void finish_lookup(const View& view, const DnsQuery& query, Lookup& lookup) {
  const NodeMatch match = find_node(view.join->names(), query.name, lookup.hash);
  lookup.node = match.node;
  lookup.exact = match.exact;
  lookup.place = view.map != nullptr ? view.map->find(lookup.located) : 0;
}

bool is_miss(const View& view, const DnsQuery& query, const Lookup& lookup) {
  if (lookup.node == NameTable::none) return true;
  return !lookup.exact && view.join->node(lookup.node).wildcard == NameTable::none &&
         view.join->cut_above(lookup.node, false, query.qtype) == ReadyNode::none;
}

Written write_reply(const View& view, WorkerState& worker, const DnsQuery& query, const Lookup& lookup,
                    const Client& client, const LimitSource& source, uint8_t* message, size_t room) {
  const bool header_only = query.kind == QueryKind::header_only;
  const CookieCheck cookie = header_only ? CookieCheck() : check_cookie(view, worker, query, client.address);
  // Of whom it is known that the address is his.
  const bool proven = !client.udp || cookie.state == CookieState::good;
  Reply reply{.message = message, .at = records_at(query), .limit = 0};
  const size_t tail_at = reply.at;
  const uint64_t before = add_word(sum_words<3>(message), sum_tail(message, tail_at, query.length));
  reply.rcode = query.rcode;
  const size_t most = header_only ? reply.at : reply_max(worker, query, client, proven, room);
  const ReplyOptions options(view.identity, query, cookie, most - reply.at);
  reply.limit = most - options.opt_bytes();
  write_answer(view, worker, query, lookup, cookie, reply);
  if (Limiter* limits = worker.limits(); limits != nullptr && !proven) {
    const AnswerClass which = class_of(reply);
    const LimitVerdict verdict =
        limits->judge(source, client.address, which, worker.ticks, worker.counters, worker.random);
    if (verdict == LimitVerdict::drop) return {};
    if (verdict == LimitVerdict::truncate) truncate(query, options, which, reply);
  }
  // TC says that there is more; half of an answer is worth nothing (RFC 2181 9).
  if (reply.truncated) empty_sections(query, reply);
  options.write(query, reply);
  const uint64_t header = write_header(query, reply);
  count_reply(worker.counters, query, reply);
  const uint64_t after = add_word(header, sum_tail(message, tail_at, reply.at));
  return {reply.at, add_word(after, negative_sum(before))};
}

} // namespace anytick::core
