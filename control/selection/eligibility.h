#pragma once

#include <vector>

#include "control/selection/select.h"

namespace anytick::selection {

/// Share of its netspeed that a server of this score has: 1 from ramp_score on, below it one of ramp_steps values that
/// fall evenly to ramp_floor, each from its score on.
double ramp(double score, const Policy& policy);

/// All servers of a registry, by address.
std::vector<Judged> judge(const std::vector<registry::Server>& servers, const Scores& scores, const Selection& previous,
                          const Policy& policy, int64_t now);

} // namespace anytick::selection
