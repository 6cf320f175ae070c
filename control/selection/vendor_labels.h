#pragma once

#include <map>
#include <string>

#include <nlohmann/json.hpp>

#include "control/registry/model.h"
#include "control/selection/policy.h"

namespace anytick::selection {

/// Whether clients of a vendor zone are told of it, if only that it is suspended.
bool is_published(const registry::VendorZone& vendor);

/// The labels of a vendor zone and what stands there, in GeoDNS's format: aliases of the pool's own, or what suspended
/// ones get. Empty unless it is published.
std::map<std::string, nlohmann::ordered_json> vendor_labels(const registry::VendorZone& vendor, const Policy& policy);

} // namespace anytick::selection
