#pragma once

#include "control/selection/select.h"

namespace anytick::selection {

/// Decides whether a zone is split, and gives each member its part (0 where it is not split). Sizes of parts differ by
/// one at most.
///
/// Who has a part keeps it unless a part has more than its size allows: as few move as can be, those without whom its
/// weight is nearest to a quarter. They and new members go, heaviest first, where the fewest are, of equal parts where
/// the least weight is, then by rank (rank.h).
void split(ZoneServers& zone, const ZoneServers* previous, const Policy& policy);

} // namespace anytick::selection
