#include "tests/unit/selection_world.h"

#include <algorithm>

#include "geo/location.h"

namespace anytick::selection::test {
namespace {

/// All that there are, as pools write them.
std::vector<std::string> all_countries() {
  std::vector<std::string> countries;
  for (char a = 'a'; a <= 'z'; ++a)
    for (char b = 'a'; b <= 'z'; ++b)
      if (const std::string code{a, b}; geo::continent_of(code) != geo::Continent::unknown) countries.push_back(code);
  std::erase(countries, "uk");
  std::ranges::replace(countries, "gb", "uk");
  return countries;
}

std::string continent_of(const std::string& country) {
  return std::string(geo::continent_name(geo::continent_of(country == "uk" ? "gb" : country)));
}

double part(core::Random& random) {
  return static_cast<double>(random.next() >> 11) * 0x1p-53;
}

size_t below(core::Random& random, size_t bound) {
  return random.next() % bound;
}

/// Many of few kinds and few of many: the cube leans towards 0.
size_t crowded(core::Random& random, size_t bound) {
  const double lean = part(random);
  return std::min(bound - 1, static_cast<size_t>(lean * lean * lean * static_cast<double>(bound)));
}

double drawn_score(core::Random& random) {
  switch (below(random, 10)) {
  case 0:
    return part(random) * 20;
  case 1:
    return 9 + part(random) * 7;
  default:
    return 15 + part(random) * 5;
  }
}

/// A few of them share a /24 or /48.
geo::Address drawn_address(core::Random& random, bool ipv6) {
  if (ipv6) return geo::Address::ipv6(0x20010db800000000 + (below(random, 4096) << 16), 1 + below(random, 1 << 30));
  return geo::Address::ipv4(static_cast<uint32_t>(0x0a000000 + (below(random, 8192) << 8) + 1 + below(random, 250)));
}

void add_drawn_server(World& world, core::Random& random, bool ipv6) {
  geo::Address address = drawn_address(random, ipv6);
  while (world.systems.contains(address)) address = drawn_address(random, ipv6);
  const std::vector<registry::TreeZone>& tree = world.snapshot.tree;
  registry::Server server;
  server.address = address;
  server.id = static_cast<registry::Id>(world.systems.size() + 1);
  server.account = static_cast<registry::Id>(1 + crowded(random, world.snapshot.accounts.size()));
  server.state = below(random, 50) == 0 ? registry::ServerState::unverified : registry::ServerState::active;
  server.netspeed = registry::netspeeds[below(random, registry::netspeeds.size())];
  server.zones.push_back(tree[crowded(random, tree.size())].name);
  if (below(random, 20) == 0)
    if (const std::string& other = tree[below(random, tree.size())].name; other != server.zones[0])
      server.zones.push_back(other);
  std::ranges::sort(server.zones);
  if (below(random, 20) == 0)
    server.zone_netspeed[tree[below(random, tree.size())].name] =
        registry::netspeeds[below(random, registry::netspeeds.size())];
  if (below(random, 20) == 0) server.zone_netspeed[server.zones[0]] = 10000;
  if (below(random, 50) == 0) server.deletion = world.now + static_cast<int64_t>(below(random, 30)) * 86400;
  if (below(random, 100) != 0) world.scores[address] = drawn_score(random);
  world.systems[address] = below(random, 20) == 0 ? 0 : 64500 + static_cast<uint32_t>(crowded(random, 100));
  world.snapshot.servers.push_back(std::move(server));
}

void add_vendors(World& world, size_t count, core::Random& random) {
  for (size_t i = 0; i < count; ++i) {
    registry::VendorZone vendor{.name = {}, .root = "pool.example", .throttle = {}, .note = {}};
    vendor.id = static_cast<registry::Id>(i + 1);
    vendor.name = "vendor" + std::to_string(10000 + i);
    vendor.account = 1;
    vendor.state = below(random, 10) == 0 ? registry::VendorState::suspended : registry::VendorState::approved;
    vendor.client = static_cast<registry::VendorClient>(below(random, 3));
    if (below(random, 10) == 0) vendor.throttle = 500;
    world.snapshot.vendors.push_back(std::move(vendor));
  }
}

std::string text_of(const ZoneServers* zone) {
  if (zone == nullptr) return "none";
  std::string text =
      zone->zone + (zone->family == geo::Family::ipv4 ? " IPv4" : " IPv6") + (zone->split ? " split:" : ":");
  for (const Member& member : zone->members)
    text += ' ' + geo::to_text(member.address) + '=' + std::to_string(member.weight) + (member.borrowed ? "+" : "") +
            '/' + std::to_string(member.part);
  return text;
}

} // namespace

AsnOf World::asn_of() const {
  return [this](const geo::Address& address) {
    const auto found = systems.find(address);
    return found == systems.end() ? 0 : found->second;
  };
}

std::vector<registry::TreeZone> tree_of(const std::vector<std::string>& countries) {
  std::vector<registry::TreeZone> tree{{"@", "", ""}};
  for (size_t i = 1; i < geo::continent_count; ++i)
    tree.push_back({std::string(geo::continent_name(static_cast<geo::Continent>(i))), "@", ""});
  for (const std::string& country : countries) tree.push_back({country, continent_of(country), ""});
  std::ranges::sort(tree, {}, &registry::TreeZone::name);
  return tree;
}

World make_world(const WorldShape& shape, uint64_t seed) {
  core::Random random(seed);
  World world;
  std::vector<std::string> countries = all_countries();
  for (size_t i = countries.size(); i > 1; --i) std::swap(countries[i - 1], countries[below(random, i)]);
  countries.resize(std::min(countries.size(), shape.countries));
  // Not by name, so that which zones are crowded differs.
  world.snapshot.tree = tree_of(countries);
  for (size_t i = world.snapshot.tree.size(); i > 1; --i)
    std::swap(world.snapshot.tree[i - 1], world.snapshot.tree[below(random, i)]);
  for (size_t i = 1; i <= shape.accounts; ++i)
    world.snapshot.accounts.push_back({static_cast<registry::Id>(i), "account" + std::to_string(i), {}, {}, 0});
  for (size_t i = 0; i < shape.servers; ++i) add_drawn_server(world, random, shape.ipv6 && below(random, 3) == 0);
  std::ranges::sort(world.snapshot.servers, {}, &registry::Server::address);
  std::ranges::sort(world.snapshot.tree, {}, &registry::TreeZone::name);
  add_vendors(world, shape.vendors, random);
  world.snapshot.roots.push_back({.origin = "pool.example",
                                  .contact = "hostmaster.pool.example",
                                  .name_servers = {"ns1.pool.example", "ns2.pool.example"},
                                  .static_data = R"({"ns1": {"a": "192.0.2.1"}, "ns2": {"a": "192.0.2.2"}})"});
  return world;
}

void pass_hour(World& world, core::Random& random) {
  world.now += 3600;
  std::vector<registry::Server>& servers = world.snapshot.servers;
  for (const registry::Server& server : servers) {
    double& score = world.scores[server.address];
    const size_t event = below(random, 100);
    if (event == 0)
      score = part(random) * 12;
    else
      score = std::clamp(score + (event < 5 ? -3 : 1) * part(random), -50.0, 20.0);
  }
  if (servers.size() > 10 && below(random, 2) == 0)
    servers.erase(servers.begin() + static_cast<ptrdiff_t>(below(random, servers.size())));
  if (below(random, 2) == 0) add_drawn_server(world, random, below(random, 3) == 0);
  servers[below(random, servers.size())].netspeed = registry::netspeeds[below(random, registry::netspeeds.size())];
  std::ranges::sort(servers, {}, &registry::Server::address);
}

void add_server(World& world, const std::string& address, uint32_t netspeed, std::vector<std::string> zones,
                registry::Id account) {
  registry::Server server;
  server.zones = std::move(zones);
  server.address = *geo::parse_address(address);
  server.account = account;
  server.state = registry::ServerState::active;
  server.netspeed = netspeed;
  world.scores[server.address] = 20;
  world.snapshot.servers.push_back(std::move(server));
  std::ranges::sort(world.snapshot.servers, {}, &registry::Server::address);
}

std::string difference(const Selection& one, const Selection& other) {
  for (size_t i = 0; i < std::max(one.zones.size(), other.zones.size()); ++i) {
    const ZoneServers* a = i < one.zones.size() ? &one.zones[i] : nullptr;
    const ZoneServers* b = i < other.zones.size() ? &other.zones[i] : nullptr;
    if (a == nullptr || b == nullptr || *a != *b) return text_of(a) + "\n" + text_of(b);
  }
  return "";
}

} // namespace anytick::selection::test
