#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "control/plan/demand.h"
#include "control/plan/inclusion_cache.h"
#include "control/plan/plan.h"
#include "control/selection/select.h"

namespace anytick::plan {

/// The names that clients ask for: the unnumbered one, then 0 to 3.
inline constexpr size_t name_count = 1 + selection::parts;

/// Share of the queries that ask for each.
std::array<double, name_count> name_shares(const Demand& demand);

/// Whether the members of a zone are in a name at all, and whether one of them is.
bool has_name(const selection::ZoneServers& zone, size_t name, const AnswerRules& rules);
bool is_in_name(const selection::ZoneServers& zone, const selection::Member& member, size_t name);

/// What the names answer clients with in one family, told from the selection as core answers from the image that is
/// made of it. The selection must outlive it.
class AnswerSets {
 public:
  /// Equal for each root, these are the probabilities; else, their mean: all roots are asked alike.
  struct Set {
    const selection::ZoneServers* zone;
    std::vector<uint32_t> members; ///< that may be in an answer: indices into zone->members
    std::vector<double> included;  ///< probability of each to be in one
    double addresses = 0;          ///< in an answer, on average
  };

  AnswerSets(const selection::Selection& selection, geo::Family family, const AnswerRules& rules,
             InclusionCache& inclusion);

  /// What answers clients of that place, nullptr if nothing does: the set of their country if it has one, else their
  /// continent's, else that of everybody.
  const Set* find(const ClientGroup& clients, size_t name) const;
  std::span<const Set> all() const { return sets_; }
  /// Of each set the share of the queries that it answers, in the order of all().
  std::vector<double> loads(const Demand& demand) const;

 private:
  static constexpr uint32_t none = UINT32_MAX;
  using Names = std::array<uint32_t, name_count>; ///< indices into sets_

  uint32_t index_of(const ClientGroup& clients, size_t name) const;
  uint32_t index_of(std::string_view zone, size_t name) const;
  void add_zone(const selection::ZoneServers& zone, const AnswerRules& rules, InclusionCache& inclusion);
  Set make_set(const selection::ZoneServers& zone, size_t name, const AnswerRules& rules,
               InclusionCache& inclusion) const;

  std::vector<Set> sets_;
  std::map<std::string_view, Names> zones_;
};

} // namespace anytick::plan
