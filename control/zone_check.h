#pragma once

#include "control/findings.h"
#include "control/zone.h"

namespace anytick::control {

/// Finds what makes no sense in a zone as a whole: aliases that lead nowhere or in a circle, a CNAME beside other
/// types, sets that are too large. compile() takes only zones without such faults.
void check_zone(const Zone& zone, Findings& findings);

} // namespace anytick::control
