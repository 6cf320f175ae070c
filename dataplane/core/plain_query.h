#pragma once

#include <cstdint>
#include <span>

#include "dataplane/core/bytes.h"
#include "dataplane/core/checksum.h"
#include "dataplane/core/deck.h"
#include "dataplane/core/dns_answer.h"
#include "dataplane/core/dns_reply.h"
#include "dataplane/core/join.h"
#include "dataplane/core/policy.h"

/// What nearly everybody asks a pool: the IPv4 addresses of a name that is there, over IPv4, with no option that would
/// change the answer. A lane of its own, in which the name need not be parsed: what stands where it must be, and is
/// byte for byte a name of the zone, is that name. A query that turns out to be another leaves the lane, and is parsed
/// then; the replies of both ways are the same.
namespace anytick::core {

struct PlainQuery {
  uint64_t hash;       ///< of the name
  const ReadySet* set; ///< the answer
  uint32_t set_index;
  unsigned card;       ///< of the set's deck, where the worker has decks
  uint8_t name_length; ///< wire bytes
  bool edns;           ///< it has an OPT, without options

  uint32_t question_end() const { return static_cast<uint32_t>(dns::header_bytes + name_length + 4); }
};

inline constexpr size_t plain_records_max = Decks::records_max;
/// Most bytes of a reply in the lane: less than any client takes.
inline constexpr size_t plain_reply_max =
    dns::header_bytes + dns::name_max + 4 + AddressRecords::bytes * plain_records_max + dns::opt_bytes;
static_assert(plain_reply_max <= dns::udp_plain_max);

/// Whether queries may take the lane: there is a zone and a map, and nothing else wants to look at them.
inline bool is_lane_open(const View& view, const Limiter* limits) {
  // What a query of the least length, 12 + 8 + 4 bytes, gets at most is less than 4 times as long.
  const bool short_enough = limits == nullptr || limits->rules().reply_ratio == 0 || limits->rules().reply_ratio >= 4;
  return view.join != nullptr && view.map != nullptr && short_enough &&
         (view.policy == nullptr || !view.policy->looks_at(false));
}

/// False where it is no such query.
inline bool parse_plain_query(const uint8_t* message, size_t length, PlainQuery& query) {
  constexpr size_t least_name = 8; // so that names are hashed and compared by whole words
  if (length < dns::header_bytes + least_name + 4) return false;
  // QR and opcode clear; RD, TC and the like mean nothing; QDCOUNT 1, ANCOUNT and NSCOUNT 0.
  if ((load<uint64_t>(message + 2) & 0xffffffffffff00f8) != 0x01000000) return false;
  const uint16_t additionals = load<uint16_t>(message + 10);
  if ((additionals & ~unsigned{big16(1)}) != 0) return false;
  query.edns = additionals != 0;
  size_t end = length;
  if (query.edns) {
    end -= dns::opt_bytes;
    const uint8_t* const opt = message + end;
    const bool bare = (load<uint32_t>(opt) & 0x00ffffff) == 0x290000 && opt[6] == 0 && load<uint16_t>(opt + 9) == 0;
    if (end < dns::header_bytes + least_name + 4 || !bare) return false;
  }
  const size_t name_length = end - dns::header_bytes - 4;
  if (name_length > dns::name_max ||
      load<uint32_t>(message + end - 4) != (big16(dns::A) | uint32_t{big16(dns::IN)} << 16))
    return false;
  query.name_length = static_cast<uint8_t>(name_length);
  query.hash = hash_name(message + dns::header_bytes, name_length);
  return true;
}

/// Finds the set that answers a client at an IPv4 address. False where the answer is none for the lane.
inline bool find_plain_answer(const View& view, const geo::Address& client, const uint8_t* message, PlainQuery& query) {
  const Join& join = *view.join;
  const uint32_t index = join.names().find(query.hash, {message + dns::header_bytes, query.name_length});
  if (index == NameTable::none) return false;
  const ReadyNode& node = join.node(index);
  if (node.cut != ReadyNode::none || node.a.is_none()) return false;
  uint32_t set = node.a.index();
  if (node.a.is_row()) {
    const uint32_t place = view.map->find_ipv4(client.to_ipv4());
    set = join.in_row(node.a, Join::class_of(join.group(join.zone(node.zone), node.a), place, client).number);
    if (set == AnswerRef::none_index) return false;
  }
  query.set = &join.set(set);
  query.set_index = set;
  return Decks::have(*query.set);
}

/// From the worker's deck, or for itself, to `own`, where it has none.
inline Decks::Card draw_plain(WorkerState& worker, const PlainQuery& query, Decks::Addresses& own) {
  const ReadySet& set = *query.set;
  if (worker.decks != nullptr) return worker.decks->take(set, query.set_index, query.card, worker.random);
  return Decks::draw_one(set, worker.random, own);
}

/// Writes the reply over the query: with the records, or if it is truncated with TC.
inline Written write_plain_reply(WorkerState& worker, const PlainQuery& query, bool truncated, uint8_t* message) {
  const uint32_t end = query.question_end();
  const uint64_t head = load<uint64_t>(message);
  uint64_t before = add_word(head, load<uint32_t>(message + 8));
  uint64_t tail = 0;
  uint32_t at = end;
  uint64_t opt = 0;
  if (query.edns) {
    before = add_word(before, sum_at(end, sum_bytes(message + end, dns::opt_bytes)));
    opt = message[end + 7] & dns::edns_do >> 8;
  }
  uint64_t answers = 0;
  if (!truncated) {
    Decks::Addresses own;
    const Decks::Card card = draw_plain(worker, query, own);
    const AddressRecords records(pointer_to(dns::header_bytes), query.set->ttl);
    answers = card.count;
    tail = records.sum(answers);
    // All, whether there are as many or not: there is room, and to count them would be predicted wrongly.
    for (unsigned i = 0; i < plain_records_max; ++i) {
      records.write(message + end + AddressRecords::bytes * i, card.addresses[i]);
      tail += card.addresses[i];
    }
    at += AddressRecords::bytes * card.count;
  }
  if (query.edns) {
    const uint64_t word = uint64_t{0x29} << 16 | uint64_t{big16(dns::udp_edns_max)} << 24 | opt << 56;
    store(message + at, word);
    store(message + at + 7, static_cast<uint32_t>(opt));
    tail += (word >> 32) + (word & 0xffffffff);
    at += dns::opt_bytes;
  }
  // The id and RD are the query's.
  constexpr uint64_t ours = uint64_t{(dns::QR | dns::AA) >> 8} << 16 | uint64_t{big16(1)} << 32;
  const uint64_t first = (head & 0x0001ffff) | ours | (truncated ? uint64_t{dns::TC >> 8} << 16 : 0) | answers << 56;
  const uint32_t second = query.edns ? uint32_t{big16(1)} << 16 : 0;
  store(message, first);
  store(message + 8, second);
  const uint64_t after = add_word(first, sum_at(end, tail) + second);
  return {at, add_word(after, negative_sum(before))};
}

} // namespace anytick::core
