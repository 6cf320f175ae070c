#pragma once

#include <array>

#include "control/selection/membership.h"

namespace anytick::selection {

/// Most of a zone's weight for a group of each CapKind.
using CapShares = std::array<double, cap_kinds>;

/// What the policy's caps come to among these seats: one that too few groups are there for is 1 / groups. Each
/// candidate without a group counts as one.
CapShares cap_shares(const std::vector<Seat>& seats, const std::vector<Candidate>& candidates, const Policy& policy);

/// Scales weights down until no group has more than its share, and returns the shares that hold: cap_shares(), or,
/// where these cannot hold together, each loosened by the same part of what it is short of 1. They hold within 1e-3 of
/// the zone's weight; weights stay >= 1 and servers in no group that has too much keep theirs. Where weights are so
/// small that whole numbers would not do, all of the zone are multiplied, but a borrowed one never exceeds what it was:
/// then as near as can be.
///
/// One kind's caps are held exactly in one step, which makes the others' worse. Going round the kinds is the method of
/// cyclic projections on convex sets by relative entropy: it converges where shares exist that hold all and leave
/// everybody something. So many rounds without that, and they are taken for impossible.
CapShares hold_caps(std::vector<Seat>& seats, const std::vector<Candidate>& candidates, const Policy& policy);

} // namespace anytick::selection
