#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "control/findings.h"
#include "control/registry/model.h"
#include "control/selection/select.h"
#include "control/zone.h"

namespace anytick::selection {

/// A root as GeoDNS zone file (control/geodns_json.h): the selection's zones, vendor zones, static records. `serial` is
/// its SOA's.
nlohmann::ordered_json geodns_document(const registry::DnsRoot& root, const registry::Snapshot& snapshot,
                                       const Selection& selection, const Policy& policy, uint32_t serial);

/// All roots, ready to be compiled. Findings name the root and the label; with a fault there is nothing to compile.
std::vector<control::Zone> make_zones(const registry::Snapshot& snapshot, const Selection& selection,
                                      const Policy& policy, uint32_t serial, control::Findings& findings);

/// The query policy of the POPs (dataplane/core/policy_rule.h): the operator's own text, then what throttles vendors.
std::string query_policy(const registry::Snapshot& snapshot, const std::string& own);

} // namespace anytick::selection
