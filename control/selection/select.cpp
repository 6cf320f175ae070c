#include "control/selection/select.h"

#include <algorithm>
#include <tuple>

#include "control/selection/backfill.h"
#include "control/selection/caps.h"
#include "control/selection/eligibility.h"
#include "control/selection/membership.h"
#include "control/selection/split.h"

namespace anytick::selection {
namespace {

ZoneServers zone_servers(const Membership& members, const Place& place, geo::Family family) {
  ZoneServers zone{.zone = place.name, .family = family, .members = {}};
  const std::vector<Seat>& seats = place.seats[family_index(family)];
  zone.members.reserve(seats.size());
  for (const Seat& seat : seats) {
    const registry::Server& server = *members.candidates[seat.candidate].server;
    zone.members.push_back({server.address, server.account, seat.weight, 0, seat.borrowed});
  }
  return zone;
}

} // namespace

const ZoneServers* Selection::find(const std::string& zone, geo::Family family) const {
  const auto found = std::ranges::lower_bound(zones, std::tie(zone, family), {},
                                              [](const ZoneServers& each) { return std::tie(each.zone, each.family); });
  return found != zones.end() && found->zone == zone && found->family == family ? &*found : nullptr;
}

const Judged* Selection::find(const geo::Address& address) const {
  const auto found = std::ranges::lower_bound(servers, address, {}, &Judged::address);
  return found != servers.end() && found->address == address ? &*found : nullptr;
}

Selection select(const registry::Snapshot& snapshot, const Scores& scores, const Selection& previous,
                 const Policy& policy, const AsnOf& asn_of, int64_t now) {
  Selection selection;
  selection.servers = judge(snapshot.servers, scores, previous, policy, now);
  Membership members = own_members(snapshot, selection.servers, asn_of);
  backfill(members, previous, policy);
  for (Place& place : members.places)
    for (const geo::Family family : {geo::Family::ipv4, geo::Family::ipv6}) {
      std::vector<Seat>& seats = place.seats[family_index(family)];
      if (seats.empty()) continue;
      hold_caps(seats, members.candidates, policy);
      ZoneServers& zone = selection.zones.emplace_back(zone_servers(members, place, family));
      split(zone, previous.find(place.name, family), policy);
    }
  return selection;
}

} // namespace anytick::selection
