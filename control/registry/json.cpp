#include "control/registry/json.h"

#include "control/registry/names.h"

namespace anytick::registry {
namespace {

using nlohmann::ordered_json;

template <class Value> ordered_json or_null(const std::optional<Value>& value) {
  return value ? ordered_json(*value) : ordered_json();
}

/// "" where it was not there.
ordered_json parsed(const std::string& text) {
  return text.empty() ? ordered_json() : ordered_json::parse(text);
}

} // namespace

ordered_json json_of(const Account& account) {
  auto logins = ordered_json::object();
  for (const Login& login : account.logins) logins[login.email] = name_of(login.role);
  auto invitations = ordered_json::object();
  for (const Invitation& each : account.invitations)
    invitations[each.email] = {
        {"role", name_of(each.role)}, {"token_digest", each.token_digest}, {"expires", each.expires}};
  return {{"name", account.name}, {"logins", logins}, {"invitations", invitations}, {"created", account.created}};
}

ordered_json json_of(const Server& server, const std::string& account) {
  return {{"address", geo::to_text(server.address)},
          {"account", account},
          {"state", name_of(server.state)},
          {"netspeed", server.netspeed},
          {"zones", server.zones},
          {"zone_netspeed", ordered_json(server.zone_netspeed)},
          {"deletion", or_null(server.deletion)},
          {"note", server.note},
          {"created", server.created}};
}

ordered_json json_of(const TreeZone& zone) {
  return {{"name", zone.name}, {"parent", zone.parent}, {"description", zone.description}};
}

ordered_json json_of(const VendorZone& vendor, const std::string& account) {
  return {{"name", vendor.name},
          {"account", account},
          {"root", vendor.root},
          {"state", name_of(vendor.state)},
          {"client", name_of(vendor.client)},
          {"sink", name_of(vendor.sink)},
          {"throttle", or_null(vendor.throttle)},
          {"note", vendor.note}};
}

ordered_json json_of(const DnsRoot& root) {
  return {{"origin", root.origin}, {"contact", root.contact},     {"name_servers", root.name_servers},
          {"ttl", root.ttl},       {"max_hosts", root.max_hosts}, {"static_data", parsed(root.static_data)}};
}

ordered_json json_of(const Pop& pop) {
  return {{"name", pop.name},
          {"target", pop.target},
          {"tls_name", pop.tls_name},
          {"canary", pop.canary},
          {"enabled", pop.enabled}};
}

ordered_json json_of(const AuditEntry& entry) {
  return {{"id", entry.id},        {"when", entry.when},     {"who", entry.who},           {"kind", entry.kind},
          {"what", entry.what},    {"action", entry.action}, {"from", parsed(entry.from)}, {"to", parsed(entry.to)},
          {"reason", entry.reason}};
}

} // namespace anytick::registry
