#include "control/plan/shares.h"

#include <algorithm>
#include <tuple>

namespace anytick::plan {
namespace {

Shares family_shares(const AnswerSets& sets, const Demand& demand) {
  const std::vector<double> loads = sets.loads(demand);
  Shares shares;
  double addresses = 0;
  for (size_t i = 0; i < loads.size(); ++i) addresses += loads[i] * sets.all()[i].addresses;
  for (size_t i = 0; i < loads.size(); ++i) {
    const AnswerSets::Set& set = sets.all()[i];
    shares.zones[set.zone->zone] += loads[i];
    const double scale = addresses > 0 ? loads[i] / addresses : 0;
    for (size_t m = 0; m < set.members.size(); ++m) {
      const selection::Member& member = set.zone->members[set.members[m]];
      const double share = scale * set.included[m];
      shares.servers[member.address] += share;
      shares.accounts[member.account] += share;
    }
  }
  return shares;
}

/// Probability that an answer from the set has the server.
double included(const AnswerSets::Set& set, const geo::Address& server) {
  for (size_t m = 0; m < set.members.size(); ++m)
    if (set.zone->members[set.members[m]].address == server) return set.included[m];
  return 0;
}

} // namespace

FamilyShares shares_of(const selection::Selection& selection, const Demand& demand, const AnswerRules& rules,
                       InclusionCache& inclusion) {
  return {family_shares(AnswerSets(selection, geo::Family::ipv4, rules, inclusion), demand),
          family_shares(AnswerSets(selection, geo::Family::ipv6, rules, inclusion), demand)};
}

std::vector<PlaceShare> shares_by_place(const geo::Address& server, const selection::Selection& selection,
                                        const Demand& demand, const AnswerRules& rules, InclusionCache& inclusion) {
  const AnswerSets sets(selection, server.family, rules, inclusion);
  const auto names = name_shares(demand);
  std::vector<PlaceShare> places;
  double sum = 0;
  for (const ClientGroup& clients : demand.groups) {
    double addresses = 0, own = 0;
    for (size_t name = 0; name < name_count; ++name) {
      const AnswerSets::Set* set = sets.find(clients, name);
      if (set == nullptr) continue;
      addresses += names[name] * set->addresses;
      own += names[name] * included(*set, server);
    }
    if (own == 0) continue;
    places.push_back({clients.country, clients.continent, own / addresses, clients.share * own});
    sum += places.back().part;
  }
  for (PlaceShare& place : places)
    if (sum > 0) place.part /= sum;
  std::ranges::sort(places, [](const PlaceShare& a, const PlaceShare& b) {
    return std::tie(b.part, a.country, a.continent) < std::tie(a.part, b.country, b.continent);
  });
  return places;
}

} // namespace anytick::plan
