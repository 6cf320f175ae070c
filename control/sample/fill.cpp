#include "control/sample/fill.h"

#include <array>
#include <map>
#include <string>

#include <nlohmann/json.hpp>

#include "control/registry/accounts.h"
#include "control/registry/pops.h"
#include "control/registry/roots.h"
#include "control/registry/servers.h"
#include "control/registry/tree.h"
#include "control/registry/vendors.h"

namespace anytick::sample {
namespace {

using registry::Actor;

/// What a zone has beside its pool.
std::string static_data() {
  using nlohmann::ordered_json;
  const ordered_json data{{"ns1", {{"a", {"192.0.2.1"}}, {"aaaa", {"2001:db8:53::1"}}, {"ttl", 3600}}},
                          {"ns2", {{"a", {"192.0.2.2"}}, {"aaaa", {"2001:db8:53::2"}}, {"ttl", 3600}}},
                          {"www", {{"cname", "web"}}},
                          {"web", {{"a", {"192.0.2.80"}}, {"ttl", 600}}},
                          {"info", {{"txt", "made-up pool"}}}};
  return data.dump();
}

std::map<std::string, registry::Id> add_accounts(soci::session& sql, const Actor& actor, const World& world) {
  std::map<std::string, registry::Id> ids;
  for (const std::string& name : world.accounts) {
    const registry::Login owner{name + "@" + origin, registry::Role::owner};
    ids[name] = registry::add_account(sql, actor, name, {owner}).id;
  }
  return ids;
}

void add_vendor(soci::session& sql, const Actor& actor, const SampleVendor& sample, registry::Id account,
                size_t number) {
  using registry::VendorClient;
  constexpr std::array kinds{VendorClient::ntp, VendorClient::sntp, VendorClient::legacy};
  registry::VendorZone vendor;
  vendor.name = sample.name;
  vendor.account = account;
  vendor.root = origin;
  vendor.client = kinds[number % kinds.size()];
  registry::add_vendor(sql, actor, vendor);
  registry::step_vendor(sql, actor, sample.name, registry::VendorStep::submit);
  // Every fifth one waits for somebody to look at it.
  if (number % 5 != 4) registry::step_vendor(sql, actor, sample.name, registry::VendorStep::approve);
}

} // namespace

void fill_registry(soci::session& sql, const Actor& actor, const World& world, const std::string& control) {
  registry::add_default_tree(sql, actor);
  registry::DnsRoot root;
  root.origin = origin;
  root.contact = std::string("hostmaster.") + origin;
  root.name_servers = {std::string("ns1.") + origin, std::string("ns2.") + origin};
  root.static_data = static_data();
  registry::add_root(sql, actor, root);
  registry::Pop pop;
  pop.name = pop_name;
  pop.target = control;
  registry::add_pop(sql, actor, pop);
  const auto accounts = add_accounts(sql, actor, world);
  for (const SampleServer& sample : world.servers) {
    registry::NewServer server;
    server.address = sample.address;
    server.account = accounts.at(sample.account);
    server.netspeed = sample.netspeed;
    server.zones = {sample.country};
    server.unusual = true;
    registry::add_server(sql, actor, server);
    registry::verify_by_operator(sql, actor, sample.address);
  }
  for (size_t i = 0; i < world.vendors.size(); ++i)
    add_vendor(sql, actor, world.vendors[i], accounts.at(world.vendors[i].account), i);
}

} // namespace anytick::sample
