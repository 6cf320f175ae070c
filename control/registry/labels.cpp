#include "control/registry/labels.h"

#include "control/dns_text.h"
#include "control/registry/names.h"

namespace anytick::registry {

std::set<std::string> own_labels(const nlohmann::json& static_data) {
  std::set<std::string> labels;
  for (const auto& [key, value] : static_data.items()) labels.emplace(without_part(control::lower_case(key)));
  return labels;
}

std::set<std::string> own_labels(const DnsRoot& root) {
  return own_labels(nlohmann::json::parse(root.static_data));
}

} // namespace anytick::registry
