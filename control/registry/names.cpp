#include "control/registry/names.h"

#include <algorithm>
#include <array>

namespace anytick::registry {
namespace {

// In the enumerations' order.
constexpr std::array<std::string_view, 3> roles{"owner", "editor", "viewer"};
constexpr std::array<std::string_view, 3> server_states{"unverified", "active", "removed"};
constexpr std::array<std::string_view, 5> vendor_states{"draft", "pending", "approved", "rejected", "suspended"};
constexpr std::array<std::string_view, 3> vendor_clients{"sntp", "ntp", "legacy"};
constexpr std::array<std::string_view, 2> vendor_sinks{"nodata", "sink"};

template <class Enum, size_t Count>
std::optional<Enum> by_name(const std::array<std::string_view, Count>& names, std::string_view name) {
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) return std::nullopt;
  return static_cast<Enum>(found - names.begin());
}

} // namespace

std::string_view name_of(Role role) {
  return roles.at(static_cast<size_t>(role));
}

std::string_view name_of(ServerState state) {
  return server_states.at(static_cast<size_t>(state));
}

std::string_view name_of(VendorState state) {
  return vendor_states.at(static_cast<size_t>(state));
}

std::string_view name_of(VendorClient client) {
  return vendor_clients.at(static_cast<size_t>(client));
}

std::string_view name_of(VendorSink sink) {
  return vendor_sinks.at(static_cast<size_t>(sink));
}

std::optional<Role> role_by_name(std::string_view name) {
  return by_name<Role>(roles, name);
}

std::optional<ServerState> server_state_by_name(std::string_view name) {
  return by_name<ServerState>(server_states, name);
}

std::optional<VendorState> vendor_state_by_name(std::string_view name) {
  return by_name<VendorState>(vendor_states, name);
}

std::optional<VendorClient> vendor_client_by_name(std::string_view name) {
  return by_name<VendorClient>(vendor_clients, name);
}

std::optional<VendorSink> vendor_sink_by_name(std::string_view name) {
  return by_name<VendorSink>(vendor_sinks, name);
}

bool is_netspeed(uint32_t kbit) {
  return kbit == netspeed_default || std::ranges::find(netspeeds, kbit) != netspeeds.end();
}

std::string netspeed_choices() {
  std::string text;
  bool with_default = false;
  for (const uint32_t kbit : netspeeds) {
    if (!text.empty()) text += ", ";
    if (!with_default && kbit > netspeed_default) {
      text += std::to_string(netspeed_default) + ", ";
      with_default = true;
    }
    text += std::to_string(kbit);
  }
  return text;
}

bool is_label(std::string_view text) {
  constexpr size_t most = 63;
  if (text.empty() || text.size() > most || text.front() == '-' || text.back() == '-') return false;
  return std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

std::string_view without_part(std::string_view label) {
  const bool part = label.size() > 2 && label[0] >= '0' && label[0] <= '3' && label[1] == '.';
  return part ? label.substr(2) : label;
}

} // namespace anytick::registry
