#pragma once

#include <string_view>
#include <vector>

#include "control/hub/config.h"
#include "control/plan/plan.h"

namespace anytick::plan {

/// The rule's key in [guard]; that of "zone_emptied" is zone_emptied_least.
std::string_view rule_name(Objection::Rule rule);

/// What stands against going from one selection to another, the gravest first. Each family of a zone is looked at by
/// itself, and only servers of the zone's own count: that others are borrowed instead makes up for nothing. Removed are
/// those that are in no more, for any reason; of capacity, what those lose that stay, too. Demoted are those that are
/// out by their score, not by what their owner did.
std::vector<Objection> objections_to(const selection::Selection& before, const selection::Selection& after,
                                     const hub::GuardConfig& guard);

/// What stands against the first push of all: POPs may serve a pool already, and a hub may be asked before its feeds
/// are in. Of the servers that are in unless their score keeps them out, too many are out; or all, whatever is allowed.
std::vector<Objection> objections_to_first(const selection::Selection& first, const hub::GuardConfig& guard);

} // namespace anytick::plan
