#pragma once

#include <string>
#include <vector>

#include "control/plan/answer_sets.h"
#include "control/plan/demand.h"
#include "control/plan/inclusion_cache.h"
#include "control/plan/plan.h"

namespace anytick::plan {

/// Expected shares of both families: what `zone explain` says of the image, added up over all clients.
FamilyShares shares_of(const selection::Selection& selection, const Demand& demand, const AnswerRules& rules,
                       InclusionCache& inclusion);

/// What one server is to the clients of one place.
struct PlaceShare {
  std::string country, continent; ///< as in ClientGroup
  double given = 0;               ///< of the addresses that these clients are given, the server's part
  double part = 0;                ///< of all clients' queries that the server gets, theirs
};

/// By part, the largest first, of those places that get the server at all.
std::vector<PlaceShare> shares_by_place(const geo::Address& server, const selection::Selection& selection,
                                        const Demand& demand, const AnswerRules& rules, InclusionCache& inclusion);

} // namespace anytick::plan
