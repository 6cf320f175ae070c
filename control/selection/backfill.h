#pragma once

#include "control/selection/membership.h"

namespace anytick::selection {

/// Has thin zones borrow servers of their parent's, family by family. A zone without a server of its own borrows none:
/// its clients are the parent's anyway.
///
/// All loans of a zone are of the same weight: an even part of what it needs, or less where too few servers could lend
/// so much. Who lends it, lends it whole. A zone keeps the donors that it had, then takes others as chance by weight
/// has it (rank.h), one a round, so that zones share what there is alike. No donor lends more than backfill_donor_share
/// of its weight to all zones together, nor more than its netspeed in that zone if it has one: a zone_netspeed of 0
/// keeps a server from being lent there.
void backfill(Membership& members, const Selection& previous, const Policy& policy);

} // namespace anytick::selection
