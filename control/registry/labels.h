#pragma once

#include <set>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "control/registry/model.h"

/// Which label is whose: zones of the tree, vendor zones and static data share the names below a root.
namespace anytick::registry {

/// The label that the pool answers with zone `uk`'s servers, too.
inline constexpr std::string_view united_kingdom = "uk", united_kingdom_iso = "gb";

/// Labels of static data in lower case, without "0." to "3." before them. Precondition: a JSON object.
std::set<std::string> own_labels(const nlohmann::json& static_data);
std::set<std::string> own_labels(const DnsRoot& root);

} // namespace anytick::registry
