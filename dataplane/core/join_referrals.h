#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/core/join.h"
#include "dataplane/core/targeting.h"

namespace anytick::core {

/// Finds the zone cuts of a zone and the addresses that go with each (load time only).
class ReferralFinder {
 public:
  ReferralFinder(const ZoneImage& image, const NameTable& names);

  /// Appends the referral of the cut at `node`. `sets`: ready, by index of their RRset. Glue is what everybody would
  /// get; addresses that depend on the client have none.
  void add(const ImageZone& zone, uint32_t node, const std::vector<ReadySet>& sets,
           const std::vector<RecordPlace>& places, std::vector<Referral>& referrals, std::vector<Glue>& glue);

 private:
  const ImageNodeType* type_of(uint32_t node, uint16_t type) const;
  uint32_t rrset_for_everybody(uint32_t node, uint16_t type);

  const ZoneImage& image_;
  const NameTable& names_;
  Evaluator evaluator_;
  TargetList everybody_;
};

} // namespace anytick::core
