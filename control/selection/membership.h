#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "control/selection/select.h"

namespace anytick::selection {

/// What caps are for.
enum class CapKind : uint8_t { account, prefix, asn };
inline constexpr size_t cap_kinds = 3;

/// Of a candidate that is in no group of a kind: its AS is not known.
inline constexpr uint32_t no_group = std::numeric_limits<uint32_t>::max();

/// A server that may be given to clients, with what each step asks of it.
struct Candidate {
  const registry::Server* server = nullptr; ///< the snapshot's
  double ramp = 0;
  uint32_t weight = 0;        ///< by its netspeed and its ramp, >= 1
  uint64_t rank = 0;          ///< of its address (rank.h)
  std::vector<size_t> places; ///< zones of the tree that it is of, those above them too; sorted indices
  std::array<uint32_t, cap_kinds> groups{no_group, no_group, no_group}; ///< numbers from 0, for each kind
};

/// A candidate in a zone.
struct Seat {
  uint32_t candidate = 0;
  uint32_t weight = 0; ///< >= 1
  bool borrowed = false;
  bool operator==(const Seat&) const = default;
};

inline constexpr size_t no_place = std::numeric_limits<size_t>::max();

/// A zone of the tree and who is in it.
struct Place {
  std::string name;
  size_t parent = no_place;                 ///< the zone that it borrows from
  std::array<std::vector<Seat>, 2> seats{}; ///< IPv4, IPv6; by address
};

inline size_t family_index(geo::Family family) {
  return family == geo::Family::ipv4 ? 0 : 1;
}

/// Netspeed in kbit/s that a server has in a zone; 0: it is not to be there.
uint32_t netspeed_in(const registry::Server& server, const std::string& zone);

/// Netspeed by ramp, >= 1 unless it is 0.
uint32_t ramped(uint32_t netspeed, double ramp);

/// Servers that are in, and the zones that they are in on their own account. A server is in "@", in each zone of the
/// tree that it names and in all above that. Refers to the snapshot.
struct Membership {
  std::vector<Candidate> candidates; ///< by address
  std::vector<Place> places;         ///< by name
};
Membership own_members(const registry::Snapshot& snapshot, const std::vector<Judged>& judged, const AsnOf& asn_of);

} // namespace anytick::selection
