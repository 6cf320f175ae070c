#include "control/selection/membership.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_map>

#include "control/selection/rank.h"

namespace anytick::selection {
namespace {

std::vector<Place> places_of(const std::vector<registry::TreeZone>& tree) {
  std::map<std::string, std::string> parents;
  for (const registry::TreeZone& zone : tree) parents.emplace(zone.name, zone.parent);
  std::vector<Place> places;
  for (const auto& [name, parent] : parents) places.push_back({.name = name});
  auto place = places.begin();
  for (const auto& [name, parent] : parents) {
    const auto above = parents.find(parent);
    if (above != parents.end() && parent != name)
      place->parent = static_cast<size_t>(std::distance(parents.begin(), above));
    ++place;
  }
  return places;
}

/// Finds the zones that a server is in by the names that it has.
class PlaceFinder {
 public:
  explicit PlaceFinder(const std::vector<Place>& places) : places_(places) {
    for (size_t i = 0; i < places.size(); ++i) index_.emplace(places[i].name, i);
  }

  std::vector<size_t> all_of(const std::vector<std::string>& zones) const {
    std::vector<size_t> found;
    add(found, "@");
    for (const std::string& zone : zones) add(found, zone);
    std::ranges::sort(found);
    return found;
  }

 private:
  /// With all above it, up to one that is there: a tree with a circle in it ends there, too.
  void add(std::vector<size_t>& found, const std::string& zone) const {
    const auto at = index_.find(zone);
    if (at == index_.end()) return;
    for (size_t place = at->second; place != no_place; place = places_[place].parent) {
      if (std::ranges::find(found, place) != found.end()) return;
      found.push_back(place);
    }
  }

  const std::vector<Place>& places_;
  std::unordered_map<std::string, size_t> index_;
};

/// Numbers distinct keys in the order in which they come.
template <class Key> class Numbering {
 public:
  uint32_t of(const Key& key) {
    return numbers_.try_emplace(key, static_cast<uint32_t>(numbers_.size())).first->second;
  }

 private:
  std::map<Key, uint32_t> numbers_;
};

class Grouping {
 public:
  explicit Grouping(const AsnOf& asn_of) : asn_of_(asn_of) {}

  std::array<uint32_t, cap_kinds> of(const registry::Server& server) {
    constexpr unsigned ipv4_length = 24, ipv6_length = 48;
    const bool ipv4 = server.address.family == geo::Family::ipv4;
    const uint32_t asn = asn_of_ ? asn_of_(server.address) : 0;
    return {accounts_.of(server.account),
            prefixes_.of(geo::prefix_of(server.address, ipv4 ? ipv4_length : ipv6_length).address),
            asn == 0 ? no_group : systems_.of(asn)};
  }

 private:
  const AsnOf& asn_of_;
  Numbering<registry::Id> accounts_;
  Numbering<geo::Address> prefixes_;
  Numbering<uint32_t> systems_;
};

std::vector<const registry::Server*> by_address(const std::vector<registry::Server>& servers) {
  std::vector<const registry::Server*> sorted;
  sorted.reserve(servers.size());
  for (const registry::Server& server : servers) sorted.push_back(&server);
  std::ranges::sort(sorted, {}, &registry::Server::address);
  return sorted;
}

} // namespace

uint32_t netspeed_in(const registry::Server& server, const std::string& zone) {
  if (server.zone_netspeed.empty()) return server.netspeed;
  const auto own = server.zone_netspeed.find(zone);
  return own == server.zone_netspeed.end() ? server.netspeed : own->second;
}

uint32_t ramped(uint32_t netspeed, double ramp) {
  if (netspeed == 0) return 0;
  return std::max(1u, static_cast<uint32_t>(std::lround(netspeed * ramp)));
}

Membership own_members(const registry::Snapshot& snapshot, const std::vector<Judged>& judged, const AsnOf& asn_of) {
  Membership members;
  members.places = places_of(snapshot.tree);
  const PlaceFinder finder(members.places);
  Grouping grouping(asn_of);
  const std::vector<const registry::Server*> servers = by_address(snapshot.servers);
  for (size_t i = 0; i < servers.size(); ++i) {
    if (judged[i].verdict != Verdict::in) continue;
    const registry::Server& server = *servers[i];
    Candidate candidate;
    candidate.server = &server;
    candidate.ramp = judged[i].ramp;
    candidate.weight = ramped(server.netspeed, candidate.ramp);
    candidate.rank = address_rank(server.address);
    candidate.places = finder.all_of(server.zones);
    candidate.groups = grouping.of(server);
    const auto number = static_cast<uint32_t>(members.candidates.size());
    for (const size_t at : candidate.places) {
      Place& place = members.places[at];
      if (const uint32_t weight = ramped(netspeed_in(server, place.name), candidate.ramp); weight > 0)
        place.seats[family_index(server.address.family)].push_back({number, weight, false});
    }
    members.candidates.push_back(std::move(candidate));
  }
  return members;
}

} // namespace anytick::selection
