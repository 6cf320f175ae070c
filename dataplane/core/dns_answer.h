#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/core/dns_query.h"
#include "dataplane/core/view.h"
#include "geo/prefix.h"

namespace anytick::core {

/// Where a query leads: the node of its name, and the place of its client. Filled in steps, so that a burst can let
/// the memory accesses of its queries overlap.
struct Lookup {
  uint64_t hash;        ///< of the whole name
  uint32_t node;        ///< the name's, or its closest encloser's; NameTable::none where no zone of ours has it
  uint32_t place;       ///< index into the map's places
  bool exact;           ///< `node` is the name itself
  bool by_subnet;       ///< located by the client subnet, not by the source address
  geo::Address located; ///< the address that is located
};

/// Chooses the address to locate, hashes the name, and prefetches what find() will read. Precondition: view.join.
void begin_lookup(const View& view, const DnsQuery& query, const geo::Address& source, Lookup& lookup);
/// Finds node and place.
void finish_lookup(const View& view, const DnsQuery& query, Lookup& lookup);

/// Whether the name is none that a zone of ours answers for: not there, and no wildcard or delegation for it.
bool is_miss(const View& view, const DnsQuery& query, const Lookup& lookup);

/// A reply that was written over its query.
struct Written {
  size_t length = 0;       ///< 0: there is none
  uint64_t sum_change = 0; ///< to be added to the query's sum to get the reply's (checksum.h)
};

/// Writes the reply to `query` over the message that it was parsed from, question untouched, and counts it.
/// `lookup` is read for QueryKind::lookup only, and only when a zone is loaded. The reply is at most `room` bytes, and
/// at most what the client takes over UDP. There is none if its source is over its limit, which is counted.
/// `source` is that of the client, where the worker has a limiter that is not off. Precondition: the query is not to be
/// dropped, and `room` is at least the query's length.
Written write_reply(const View& view, WorkerState& worker, const DnsQuery& query, const Lookup& lookup,
                    const Client& client, const LimitSource& source, uint8_t* message, size_t room);

} // namespace anytick::core
