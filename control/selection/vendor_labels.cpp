#include "control/selection/vendor_labels.h"

#include "control/selection/select.h"

namespace anytick::selection {
namespace {

using nlohmann::ordered_json;

/// NODATA for addresses, and a word to people who look for them.
ordered_json suspended_label(const registry::VendorZone& vendor, const Policy& policy) {
  ordered_json label = ordered_json::object();
  if (vendor.sink == registry::VendorSink::sink)
    for (const geo::Address& address : policy.sink)
      label[address.family == geo::Family::ipv4 ? "a" : "aaaa"].push_back({geo::to_text(address)});
  label["txt"] = "the vendor zone " + vendor.name + " is suspended";
  return label;
}

} // namespace

bool is_published(const registry::VendorZone& vendor) {
  return vendor.state == registry::VendorState::approved || vendor.state == registry::VendorState::suspended;
}

std::map<std::string, ordered_json> vendor_labels(const registry::VendorZone& vendor, const Policy& policy) {
  std::map<std::string, ordered_json> labels;
  if (!is_published(vendor)) return labels;
  const bool suspended = vendor.state == registry::VendorState::suspended;
  const auto label = [&](const std::string& pool_label) {
    return suspended ? suspended_label(vendor, policy) : ordered_json{{"alias", pool_label}};
  };
  if (vendor.client != registry::VendorClient::ntp) labels.emplace(vendor.name, label(""));
  if (vendor.client != registry::VendorClient::sntp)
    for (size_t part = 0; part < parts; ++part) {
      const std::string number = std::to_string(part);
      labels.emplace(number + "." + vendor.name, label(number));
    }
  return labels;
}

} // namespace anytick::selection
