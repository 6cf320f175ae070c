#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "geo/map.h"
#include "geo/prefix.h"

/// The answer to `_country.ZONE TXT`: where the POP takes its client to be.
namespace anytick::core {

/// Bytes of the longest record from its type on: ten before the RDATA, then character-strings (RFC 1035 3.3.14).
inline constexpr size_t location_record_max = 192;

/// Whom a query is answered for, and how it is known.
struct LocatedClient {
  const geo::Address& address;
  bool by_subnet; ///< stated by the query, not its source
  uint32_t place; ///< of the map
};

/// Bits for which all clients around this one get the same record: the longest of all levels of its place.
uint8_t location_scope(const geo::Map* map, uint32_t place);

/// Writes a TXT record from its type on. Its strings are "address=192.0.2.7", or "subnet=192.0.2.0/22" as wide as the
/// record is true, and what is known of "continent=", "country=", "group=", "region=" and "asn=". Returns the part of
/// `record` that was written.
std::span<const uint8_t> write_location(const geo::Map* map, const LocatedClient& client, uint32_t ttl,
                                        std::array<uint8_t, location_record_max>& record);

} // namespace anytick::core
