#include "plan_world.h"

#include <algorithm>
#include <iterator>
#include <sstream>
#include <stdexcept>

#include <fmt/format.h>

#include "control/plan/plan_words.h"
#include "dataplane/core/random.h"
#include "geo/map_builder.h"
#include "geo/overrides.h"

namespace anytick::plan::test {
namespace {

template <class T> T take(Result<T> result) {
  if (!result) throw std::runtime_error(result.refusal().text());
  return std::move(*result);
}

std::vector<std::byte> map_bytes(std::string_view text) {
  std::vector<Refusal> faults;
  const geo::Layer layer = geo::parse_overrides("overrides", text, faults);
  if (!faults.empty()) throw std::runtime_error(faults.front().text());
  return take(geo::build_map(std::span(&layer, 1), 0));
}

std::vector<std::vector<std::string>> words_of(std::string_view lines) {
  std::vector<std::vector<std::string>> all;
  std::istringstream text{std::string(lines)};
  for (std::string line; std::getline(text, line);) {
    std::istringstream words(line);
    std::vector<std::string> row{std::istream_iterator<std::string>(words), {}};
    if (!row.empty()) all.push_back(std::move(row));
  }
  return all;
}

struct Country {
  const char* name;
  const char* continent;
  uint32_t crowd; ///< of 100 servers
};

constexpr Country countries[]{
    {"de", "europe", 30},       {"fr", "europe", 15}, {"uk", "europe", 12},        {"lu", "europe", 1},
    {"jp", "asia", 8},          {"mn", "asia", 1},    {"us", "north-america", 25}, {"gl", "north-america", 1},
    {"br", "south-america", 4}, {"ke", "africa", 2},  {"cl", "south-america", 1},  {"td", "africa", 0},
};

const char* pick_country(core::Random& random) {
  auto left = static_cast<uint32_t>(random.next() % 100);
  for (const Country& country : countries) {
    if (left < country.crowd) return country.name;
    left -= country.crowd;
  }
  return "de";
}

std::vector<registry::TreeZone> tree() {
  std::vector<registry::TreeZone> zones{{"@", "", "all"}, {"oceania", "@", ""}};
  for (const Country& country : countries) {
    zones.push_back({country.name, country.continent, ""});
    if (std::ranges::find(zones, country.continent, &registry::TreeZone::name) == zones.end())
      zones.push_back({country.continent, "@", ""});
  }
  std::ranges::sort(zones, {}, &registry::TreeZone::name);
  return zones;
}

registry::Server random_server(registry::Id id, core::Random& random) {
  registry::Server server;
  server.id = id;
  const auto number = static_cast<uint32_t>(id);
  server.address = random.next() % 3 == 0 ? geo::Address::ipv6(0x20010db800000000u + number, 123)
                                          : geo::Address::ipv4(0xc6120000u + 67 * number);
  server.account = 1 + static_cast<registry::Id>(random.next() % 9);
  server.state = random.next() % 40 == 0 ? registry::ServerState::unverified : registry::ServerState::active;
  server.netspeed = registry::netspeeds[random.next() % registry::netspeeds.size()];
  server.zones = {pick_country(random)};
  if (random.next() % 20 == 0) server.zone_netspeed["@"] = 512;
  return server;
}

} // namespace

geo::Address address(std::string_view text) {
  const auto parsed = geo::parse_address(text);
  if (!parsed) throw std::runtime_error("no address: " + std::string(text));
  return *parsed;
}

SmallMap::SmallMap(std::string_view overrides) : bytes_(map_bytes(overrides)), map_(take(geo::Map::validate(bytes_))) {}

const std::string_view map_lines = R"(
1.0.0.0/16     country=de asn=64500
1.1.0.0/17     country=fr
1.1.128.0/20   country=lu
1.2.0.0/15     country=us
1.4.0.0/18     country=gb
1.4.64.0/24    country=mn
1.4.65.0/24    country=jp
1.4.66.0/23    country=gl
1.4.68.0/24    country=br
1.4.69.0/24    country=cl
1.4.70.0/24    country=ke
1.4.71.0/24    country=td
1.4.72.0/24    country=au
1.4.73.0/24    country=aq
1.4.74.0/24    continent=europe
1.4.75.0/24    continent=oceania
198.18.0.0/15  country=de
198.18.0.0/20  country=de asn=64501
2001:db8::/32  country=us asn=64502
)";

registry::Snapshot snapshot_of(uint64_t seed, size_t servers) {
  core::Random random(seed);
  registry::Snapshot snapshot;
  for (registry::Id id = 1; id <= 9; ++id)
    snapshot.accounts.push_back({.id = id, .name = fmt::format("Account {}", id), .logins = {}, .invitations = {}});
  for (size_t i = 0; i < servers; ++i)
    snapshot.servers.push_back(random_server(static_cast<registry::Id>(i + 1), random));
  std::ranges::sort(snapshot.servers, {}, &registry::Server::address);
  snapshot.tree = tree();
  for (const auto client : {registry::VendorClient::ntp, registry::VendorClient::sntp}) {
    registry::VendorZone& vendor = snapshot.vendors.emplace_back();
    vendor.id = static_cast<registry::Id>(snapshot.vendors.size());
    vendor.name = client == registry::VendorClient::ntp ? "acorn" : "birch";
    vendor.account = vendor.id;
    vendor.root = "pool.example";
    vendor.state = registry::VendorState::approved;
    vendor.client = client;
  }
  snapshot.roots.push_back({.origin = "pool.example",
                            .contact = "hostmaster.pool.example",
                            .name_servers = {"ns1.pool.example", "ns2.example.net"},
                            .static_data = R"({"ns1": {"a": ["192.0.2.1"]}})"});
  snapshot.last_audit = 42;
  return snapshot;
}

selection::Scores scores_of(const registry::Snapshot& snapshot, uint64_t seed) {
  core::Random random(seed);
  selection::Scores scores;
  for (const registry::Server& server : snapshot.servers) {
    const uint64_t fate = random.next() % 20;
    if (fate == 0) continue;
    scores[server.address] = fate == 1 ? -3.5 : fate < 5 ? 10 + static_cast<double>(random.next() % 100) / 17 : 19.75;
  }
  return scores;
}

std::vector<selection::Judged> judged(std::string_view lines) {
  std::vector<selection::Judged> all;
  for (const auto& words : words_of(lines)) {
    selection::Judged each{
        .address = address(words[0]), .account = 1, .verdict = *verdict_by_word(words[1]), .score = {}};
    if (words.size() > 2) each.score = std::stod(words[2]);
    each.ramp = each.verdict == selection::Verdict::in ? 1 : 0;
    all.push_back(each);
  }
  std::ranges::sort(all, {}, &selection::Judged::address);
  return all;
}

selection::ZoneServers zone(const std::string& name, std::string_view members) {
  selection::ZoneServers made{.zone = name, .members = {}};
  for (const auto& words : words_of(members)) {
    selection::Member member{.address = address(words[0]), .account = 1};
    member.weight = static_cast<uint32_t>(std::stoul(words[1]));
    for (size_t i = 2; i < words.size(); ++i) {
      if (words[i] == "borrowed") {
        member.borrowed = true;
      } else {
        made.split = true;
        member.part = static_cast<uint8_t>(std::stoul(words[i]));
      }
    }
    made.family = member.address.family;
    made.members.push_back(member);
  }
  std::ranges::sort(made.members, {}, &selection::Member::address);
  return made;
}

PlanWorld::PlanWorld(uint64_t seed, size_t servers)
    : snapshot(snapshot_of(seed, servers)), scores(scores_of(snapshot, seed)), map(map_lines) {}

MadePlan PlanWorld::make(const Plan* base, int64_t serial) const {
  return take(make_plan(sources(base), scores, serial, now));
}

} // namespace anytick::plan::test
