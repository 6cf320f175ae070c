#include "control/plan/answer_sets.h"

#include <algorithm>

namespace anytick::plan {

std::array<double, name_count> name_shares(const Demand& demand) {
  std::array<double, name_count> shares{};
  shares.fill((1 - demand.unnumbered) / selection::parts);
  shares[0] = demand.unnumbered;
  return shares;
}

bool has_name(const selection::ZoneServers& zone, size_t name, const AnswerRules& rules) {
  constexpr size_t only_numbered = 1 + 2; // of IPv6, as the NTP Pool has it
  return zone.family == geo::Family::ipv4 || rules.ipv6_everywhere || name == 0 || name == only_numbered;
}

bool is_in_name(const selection::ZoneServers& zone, const selection::Member& member, size_t name) {
  return name == 0 || !zone.split || member.part + 1u == name;
}

AnswerSets::AnswerSets(const selection::Selection& selection, geo::Family family, const AnswerRules& rules,
                       InclusionCache& inclusion) {
  for (const selection::ZoneServers& zone : selection.zones)
    if (zone.family == family) add_zone(zone, rules, inclusion);
}

void AnswerSets::add_zone(const selection::ZoneServers& zone, const AnswerRules& rules, InclusionCache& inclusion) {
  Names names;
  names.fill(none);
  for (size_t name = 0; name < name_count; ++name) {
    if (!has_name(zone, name, rules)) continue;
    if (name > 0 && !zone.split) {
      names[name] = names[0];
      continue;
    }
    Set set = make_set(zone, name, rules, inclusion);
    if (set.members.empty()) continue;
    names[name] = static_cast<uint32_t>(sets_.size());
    sets_.push_back(std::move(set));
  }
  zones_.emplace(zone.zone, names);
}

AnswerSets::Set AnswerSets::make_set(const selection::ZoneServers& zone, size_t name, const AnswerRules& rules,
                                     InclusionCache& inclusion) const {
  Set set{.zone = &zone, .members = {}, .included = {}};
  std::vector<uint32_t> weights;
  for (size_t i = 0; i < zone.members.size(); ++i) {
    if (!is_in_name(zone, zone.members[i], name)) continue;
    set.members.push_back(static_cast<uint32_t>(i));
    weights.push_back(zone.members[i].weight);
  }
  set.included.resize(weights.size());
  const auto classes = control::weight_classes(weights);
  const auto roots = static_cast<double>(rules.max_hosts.size());
  for (const uint32_t max_hosts : rules.max_hosts) {
    const std::vector<double>& of_class = inclusion.find(classes, max_hosts);
    for (size_t i = 0; i < weights.size(); ++i) {
      const auto found = std::ranges::lower_bound(classes, weights[i], {}, &control::WeightClass::weight);
      set.included[i] += of_class[static_cast<size_t>(found - classes.begin())] / roots;
    }
    set.addresses += static_cast<double>(std::min<size_t>(max_hosts, weights.size())) / roots;
  }
  return set;
}

uint32_t AnswerSets::index_of(std::string_view zone, size_t name) const {
  const auto found = zones_.find(zone);
  return found == zones_.end() ? none : found->second[name];
}

uint32_t AnswerSets::index_of(const ClientGroup& clients, size_t name) const {
  uint32_t index = index_of(clients.country, name);
  // The pool's zone is called uk; gb is an alias of it.
  if (index == none && clients.country == "gb") index = index_of("uk", name);
  if (index == none) index = index_of(clients.continent, name);
  return index == none ? index_of("@", name) : index;
}

const AnswerSets::Set* AnswerSets::find(const ClientGroup& clients, size_t name) const {
  const uint32_t index = index_of(clients, name);
  return index == none ? nullptr : &sets_[index];
}

std::vector<double> AnswerSets::loads(const Demand& demand) const {
  std::vector<double> loads(sets_.size());
  const auto names = name_shares(demand);
  for (const ClientGroup& clients : demand.groups)
    for (size_t name = 0; name < name_count; ++name)
      if (const uint32_t index = index_of(clients, name); index != none) loads[index] += clients.share * names[name];
  return loads;
}

} // namespace anytick::plan
