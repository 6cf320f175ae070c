#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "geo/prefix.h"

namespace anytick::selection {

/// The rules of who is given to clients, each a key of [selection] in hub.toml. "Capacity" is netspeed in kbit/s; a
/// "share" is a part of 1.
struct Policy {
  // Who is in at all
  double leave_score = 10;     ///< a server that is in leaves below it
  double enter_score = 11;     ///< one that is out comes in from it on; >= leave_score
  double ramp_score = 15;      ///< its weight is whole from here on and falls towards leave_score
  double ramp_floor = 0.1;     ///< share of its weight at leave_score
  uint32_t ramp_steps = 10;    ///< weights between are one of so many, lest each check be a change
  uint32_t deletion_days = 14; ///< a server leaves so long before it is deleted

  // Which of 0 to 3
  uint32_t split_servers = 8;  ///< servers of a family in a zone that are split, at least 4; fewer are all in each
  bool ipv6_everywhere = true; ///< else IPv6 is never split, and only in the zone itself and in 2, as in the NTP Pool
  /// A zone that is split stays so with up to so many servers less than split_servers (but 4), lest one that comes and
  /// goes turns all four names over each time.
  static constexpr uint32_t split_slack = 2;

  // Thin zones borrow from their parent
  uint32_t backfill_servers = 4;                 ///< that a zone with servers should have of a family
  uint64_t backfill_capacity = 100'000;          ///< and what they should have together
  double backfill_donor_share = 0.1;             ///< most of a server's weight that it lends, to all zones together
  static constexpr uint32_t backfill_loans = 16; ///< most that a zone borrows, lest it be filled with crumbs

  // Nobody is most of a zone; where there are too few to hold a cap, all of its kind have the same weight. Where the
  // three cannot hold together, each is loosened by the same part of what it is short of 1.
  double account_share = 0.5; ///< most of a zone's weight for the servers of an account
  double prefix_share = 0.34; ///< of an IPv4 /24 or IPv6 /48
  double asn_share = 0.5;     ///< of an AS; servers whose AS is not known count as one each, without a cap

  // Suspended vendors
  std::vector<geo::Address> sink; ///< what VendorSink::sink answers

  bool operator==(const Policy&) const = default;
};

} // namespace anytick::selection
