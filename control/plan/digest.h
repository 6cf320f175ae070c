#pragma once

#include <string>
#include <string_view>

#include "control/plan/demand.h"
#include "control/selection/policy.h"

namespace anytick::plan {

/// SHA-256, hexadecimal.
std::string sha256_text(std::string_view text);

/// Names what a plan is made by, beside the registry and the scores.
std::string policy_digest(const selection::Policy& policy, const Demand& demand, std::string_view query_policy);
std::string demand_digest(const Demand& demand);

} // namespace anytick::plan
