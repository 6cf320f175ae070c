#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "control/registry/model.h"
#include "control/selection/policy.h"
#include "geo/prefix.h"

/// Registry and scores -> who is in which zone, with what weight. Pure: the same for the same arguments.
namespace anytick::selection {

/// Overall scores; a server that is not there has none.
using Scores = std::map<geo::Address, double>;

/// AS number of an address, 0: unknown.
using AsnOf = std::function<uint32_t(const geo::Address&)>;

/// Why a server is in or out, the first that holds.
enum class Verdict : uint8_t {
  in,
  unverified, ///< nobody has shown that its account controls it
  monitoring, ///< netspeed 0
  leaving,    ///< its deletion is near
  no_score,   ///< no monitor has a recent one
  low_score,  ///< below leave_score
  recovering, ///< below enter_score, and was out
};

struct Judged {
  geo::Address address;
  registry::Id account = 0;
  Verdict verdict = Verdict::in;
  std::optional<double> score;
  double ramp = 0; ///< share of its netspeed that its score gives it; 0 unless in
};

/// The numbered names 0 to 3 of a zone.
inline constexpr size_t parts = 4;

struct Member {
  geo::Address address;
  registry::Id account = 0;
  uint32_t weight = 0;   ///< >= 1: netspeed in the zone by ramp, or what it lends; less where a cap holds it
  uint8_t part = 0;      ///< which of 0 to 3 it is in, where the zone is split
  bool borrowed = false; ///< it is not of this zone
  bool operator==(const Member&) const = default;
};

/// The servers of one family in one zone of the tree.
struct ZoneServers {
  std::string zone; ///< "@", "europe", "de"
  geo::Family family = geo::Family::ipv4;
  bool split = false;          ///< else all members are in each of 0 to 3, or in 2 alone: Policy::ipv6_everywhere
  std::vector<Member> members; ///< by address; never empty
  bool operator==(const ZoneServers&) const = default;
};

struct Selection {
  std::vector<Judged> servers;    ///< by address: all of the snapshot
  std::vector<ZoneServers> zones; ///< by zone, then family

  const ZoneServers* find(const std::string& zone, geo::Family family) const;
  const Judged* find(const geo::Address& address) const;
};

/// `previous` is what was last pushed, or empty: who was in needs less to stay in, and each stays in the part it is in
/// unless parts would differ by more than they must. The same again, with what came out as `previous`, changes nothing.
Selection select(const registry::Snapshot& snapshot, const Scores& scores, const Selection& previous,
                 const Policy& policy, const AsnOf& asn_of, int64_t now);

} // namespace anytick::selection
