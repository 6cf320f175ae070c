#include "control/sample/world.h"

#include <algorithm>
#include <array>
#include <random>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace anytick::sample {
namespace {

/// Servers per 1,000 where there are many; the rest falls thinly on the others.
constexpr std::array<std::pair<const char*, uint32_t>, 30> crowded{
    {{"us", 165}, {"de", 125}, {"fr", 60}, {"uk", 60}, {"nl", 52}, {"ca", 36}, {"ch", 34}, {"se", 30},
     {"jp", 60},  {"sg", 24},  {"au", 24}, {"pl", 22}, {"cz", 20}, {"fi", 18}, {"br", 50}, {"it", 18},
     {"at", 16},  {"cn", 15},  {"in", 14}, {"es", 13}, {"no", 12}, {"dk", 12}, {"kr", 11}, {"za", 10},
     {"ro", 9},   {"ua", 9},   {"nz", 7},  {"mx", 5},  {"ng", 25}, {"ke", 3}}};

/// netspeed and how common it is.
constexpr std::array<std::pair<uint32_t, uint32_t>, 14> speeds{{{512, 8},
                                                                {1500, 12},
                                                                {3000, 25},
                                                                {6000, 20},
                                                                {10000, 90},
                                                                {12000, 45},
                                                                {25000, 60},
                                                                {50000, 85},
                                                                {100000, 160},
                                                                {250000, 110},
                                                                {500000, 90},
                                                                {1000000, 190},
                                                                {1500000, 40},
                                                                {3000000, 65}}};

constexpr std::array<const char*, 12> words{"arbor",   "bolt",  "copper", "falcon", "granite", "indigo",
                                            "lantern", "maple", "orbit",  "quartz", "raven",   "willow"};

/// Of 198.18.0.0/15, less the networks' first and last addresses that people mistake for no host's.
constexpr uint32_t ipv4_base = (198u << 24) | (18u << 16);
constexpr uint32_t ipv4_hosts = 1u << 17;
constexpr uint64_t ipv6_high = 0x20010db800000000;
constexpr uint32_t ipv6_every = 3;
constexpr uint32_t servers_an_account = 3;

using Random = std::mt19937_64;

/// std's distributions are each library's own, and samples are to be the same everywhere.
uint32_t below(Random& random, uint32_t bound) {
  return static_cast<uint32_t>(random() % bound);
}

template <class Weighted> auto drawn(Random& random, const Weighted& choices) {
  uint32_t total = 0;
  for (const auto& [choice, weight] : choices) total += weight;
  uint32_t at = below(random, total);
  for (const auto& [choice, weight] : choices) {
    if (at < weight) return choice;
    at -= weight;
  }
  return choices.back().first;
}

/// One of many for the crowded, else the thin ones by Zipf.
class Countries {
 public:
  Countries(Random& random, const std::vector<std::string>& all) {
    const std::set<std::string> known(all.begin(), all.end());
    uint32_t rest = 1000;
    for (const auto& [name, share] : crowded) {
      if (!known.contains(name)) continue;
      chances_.emplace_back(name, share * scale);
      rest -= share;
    }
    std::vector<std::string> thin;
    for (const std::string& name : known)
      if (std::ranges::none_of(crowded, [&](const auto& each) { return each.first == name; })) thin.push_back(name);
    for (size_t i = thin.size(); i > 1; --i) std::swap(thin[i - 1], thin[below(random, static_cast<uint32_t>(i))]);
    double harmonic = 0;
    for (size_t i = 0; i < thin.size(); ++i) harmonic += 1.0 / static_cast<double>(i + 1);
    for (size_t i = 0; i < thin.size(); ++i)
      chances_.emplace_back(thin[i], static_cast<uint32_t>(rest * scale / (harmonic * static_cast<double>(i + 1))));
  }

  std::string draw(Random& random) const { return drawn(random, chances_); }

 private:
  static constexpr uint32_t scale = 1000;
  std::vector<std::pair<std::string, uint32_t>> chances_;
};

Health health(Random& random) {
  const uint32_t at = below(random, 100);
  return at < 93 ? Health::good : at < 97 ? Health::flaky : Health::bad;
}

} // namespace

World make_world(const WorldOptions& options, const std::vector<std::string>& countries) {
  Random random(options.seed);
  const Countries chances(random, countries);
  World world;
  const uint32_t accounts = std::max(1u, options.servers / servers_an_account);
  for (uint32_t i = 0; i < accounts; ++i) world.accounts.push_back(fmt::format("owner{}", i + 1));
  std::set<uint32_t> hosts;
  while (hosts.size() < options.servers)
    if (const uint32_t host = below(random, ipv4_hosts); host % 256 != 0 && host % 256 != 255) hosts.insert(host);
  for (const uint32_t host : hosts) {
    // Of two, the smaller: some have many servers and most have few.
    const uint32_t account = std::min(below(random, accounts), below(random, accounts));
    SampleServer server{geo::Address::ipv4(ipv4_base + host), world.accounts[account], chances.draw(random),
                        drawn(random, speeds), health(random)};
    world.servers.push_back(server);
    if (below(random, ipv6_every) != 0) continue;
    server.address = geo::Address::ipv6(ipv6_high | host, 0x123);
    world.servers.push_back(std::move(server));
  }
  std::ranges::sort(world.servers, {}, &SampleServer::address);
  for (uint32_t i = 0; i < options.vendors; ++i) {
    const auto turn = i / words.size();
    std::string name = words[i % words.size()];
    if (turn > 0) name += std::to_string(turn + 1);
    world.vendors.push_back({std::move(name), world.accounts[i % accounts]});
  }
  return world;
}

} // namespace anytick::sample
