// A plan for a pool of 5,000 servers in all countries, with 300 vendors: as a whole, and what it is made of. Shares
// beside a baseline that has no cache and no classes of records of one weight: each set by itself, record by record.
// The map comes by ANYTICK_MAP; without one, demand is stated.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>

#include "control/command.h"
#include "control/compile.h"
#include "control/plan/answer_sets.h"
#include "control/plan/demand.h"
#include "control/plan/make_plan.h"
#include "control/plan/plan_json.h"
#include "control/plan/shares.h"
#include "control/selection/zones.h"
#include "dataplane/core/random.h"
#include "geo/location.h"

namespace anytick::plan {
namespace {

constexpr size_t server_count = 5000;
constexpr size_t vendor_count = 300;
constexpr int64_t now = 1'800'000'000;

std::vector<std::string> countries() {
  std::vector<std::string> all;
  for (char first = 'a'; first <= 'z'; ++first)
    for (char second = 'a'; second <= 'z'; ++second)
      if (const std::string code{first, second}; geo::continent_of(code) != geo::Continent::unknown)
        all.push_back(code == "gb" ? "uk" : code);
  std::ranges::sort(all);
  return all;
}

/// Zipf: the first country has a sixth of all servers, the last ones one or none.
std::vector<size_t> countries_of(size_t servers, size_t count, core::Random& random) {
  std::vector<double> sums;
  for (size_t i = 0; i < count; ++i) sums.push_back((i == 0 ? 0 : sums.back()) + 1 / static_cast<double>(i + 1));
  std::vector<size_t> all;
  for (size_t i = 0; i < servers; ++i) {
    const double at = static_cast<double>(random.next() >> 11) * 0x1p-53 * sums.back();
    all.push_back(static_cast<size_t>(std::ranges::upper_bound(sums, at) - sums.begin()));
  }
  return all;
}

void add_servers(registry::Snapshot& snapshot, const std::vector<std::string>& names, core::Random& random) {
  const std::vector<size_t> picked = countries_of(server_count, names.size(), random);
  for (size_t i = 0; i < server_count; ++i) {
    registry::Server& server = snapshot.servers.emplace_back();
    server.id = static_cast<registry::Id>(i + 1);
    const auto host = static_cast<uint32_t>(i * 13 % 65536);
    server.address = i % 3 == 0 ? geo::Address::ipv6(0x20010db800000000u + (uint64_t{host} << 16), 123)
                                : geo::Address::ipv4(0xc6120000u + host);
    server.account = 1 + static_cast<registry::Id>(random.next() % 2500);
    server.state = registry::ServerState::active;
    server.netspeed = registry::netspeeds[1 + random.next() % (registry::netspeeds.size() - 1)];
    server.zones = {names[picked[i] * 37 % names.size()]};
  }
  std::ranges::sort(snapshot.servers, {}, &registry::Server::address);
}

registry::Snapshot make_snapshot() {
  core::Random random(1);
  registry::Snapshot snapshot;
  const std::vector<std::string> names = countries();
  snapshot.tree.push_back({"@", "", ""});
  for (size_t i = 1; i < geo::continent_count; ++i)
    snapshot.tree.push_back({std::string(geo::continent_name(static_cast<geo::Continent>(i))), "@", ""});
  for (const std::string& name : names) {
    const geo::Continent continent = geo::continent_of(name == "uk" ? "gb" : name);
    snapshot.tree.push_back({name, std::string(geo::continent_name(continent)), ""});
  }
  std::ranges::sort(snapshot.tree, {}, &registry::TreeZone::name);
  add_servers(snapshot, names, random);
  for (size_t i = 0; i < vendor_count; ++i) {
    registry::VendorZone& vendor = snapshot.vendors.emplace_back();
    vendor.id = static_cast<registry::Id>(i + 1);
    vendor.name = fmt::format("vendor{:03}", i);
    vendor.root = "pool.example";
    vendor.state = registry::VendorState::approved;
  }
  registry::DnsRoot& root = snapshot.roots.emplace_back();
  root.origin = "pool.example";
  root.contact = "hostmaster.pool.example";
  root.name_servers = {"ns.example.net"};
  return snapshot;
}

selection::Scores make_scores(const registry::Snapshot& snapshot, uint64_t seed) {
  core::Random random(seed);
  selection::Scores scores;
  for (const registry::Server& server : snapshot.servers) {
    const uint64_t fate = random.next() % 20;
    scores[server.address] = fate == 0 ? 5 : fate < 4 ? 11 + static_cast<double>(random.next() % 100) / 20 : 19.5;
  }
  return scores;
}

/// What is planned, and what it follows: the scores of some servers are others since.
struct Pool {
  Pool() : snapshot(make_snapshot()), scores(make_scores(snapshot, 2)) {
    if (const char* path = std::getenv("ANYTICK_MAP"); path != nullptr) {
      bytes = control::read_file(path);
      map.emplace(control::taken(geo::Map::validate(bytes), path));
    } else {
      for (const std::string& name : countries()) config.demand.countries[name] = 1;
    }
    base = *make_plan(sources(nullptr, nullptr), scores, 1, now);
    size_t turn = 0;
    for (auto& [server, score] : scores)
      if (++turn % 50 == 0) score = score > 15 ? 12 : 20;
  }

  Sources sources(const Plan* before, InclusionCache* cache) const {
    return {snapshot, config, policy, map ? &*map : nullptr, before, cache};
  }
  AnswerRules rules() const { return base.plan.answers; }

  registry::Snapshot snapshot;
  selection::Scores scores;
  hub::Config config;
  std::string policy;
  std::vector<std::byte> bytes;
  std::optional<geo::Map> map;
  MadePlan base;
};

const Pool& pool() {
  static const Pool one;
  return one;
}

void plan_first(benchmark::State& state) {
  for (auto _ : state) {
    const auto made = make_plan(pool().sources(nullptr, nullptr), pool().scores, 2, now);
    if (!made) state.SkipWithError(made.refusal().text().c_str());
  }
}

void plan_next(benchmark::State& state) {
  for (auto _ : state) {
    const auto made = make_plan(pool().sources(&pool().base.plan, nullptr), pool().scores, 2, now);
    if (!made) state.SkipWithError(made.refusal().text().c_str());
  }
}

void plan_next_with_cache(benchmark::State& state) {
  InclusionCache cache;
  shares_of(pool().base.plan.selection, demand_of(pool().config.demand, nullptr), pool().rules(), cache);
  for (auto _ : state) {
    const auto made = make_plan(pool().sources(&pool().base.plan, &cache), pool().scores, 2, now);
    if (!made) state.SkipWithError(made.refusal().text().c_str());
  }
}

void select_servers(benchmark::State& state) {
  const auto no_asn = [](const geo::Address&) { return 0u; };
  for (auto _ : state)
    benchmark::DoNotOptimize(selection::select(pool().snapshot, pool().scores, pool().base.plan.selection,
                                               pool().config.selection, no_asn, now));
}

void make_zones(benchmark::State& state) {
  for (auto _ : state) {
    control::Findings findings("registry");
    benchmark::DoNotOptimize(
        selection::make_zones(pool().snapshot, pool().base.plan.selection, pool().config.selection, 1, findings));
  }
}

void compile_zones(benchmark::State& state) {
  control::Findings findings("registry");
  const auto zones =
      selection::make_zones(pool().snapshot, pool().base.plan.selection, pool().config.selection, 1, findings);
  for (auto _ : state) {
    const auto image = control::compile(zones, 1, 0);
    if (!image) state.SkipWithError("no image");
  }
}

void demand_by_map(benchmark::State& state) {
  if (!pool().map) return state.SkipWithError("no map");
  for (auto _ : state) benchmark::DoNotOptimize(demand_of({}, &*pool().map));
}

void baseline_shares_by_record(benchmark::State& state) {
  InclusionCache cache;
  const AnswerSets sets(pool().base.plan.selection, geo::Family::ipv4, pool().rules(), cache);
  for (auto _ : state)
    for (const AnswerSets::Set& set : sets.all()) {
      std::vector<control::WeightClass> records;
      for (const uint32_t member : set.members) records.push_back({set.zone->members[member].weight, 1});
      benchmark::DoNotOptimize(control::inclusion_probabilities(records, 4));
    }
}

void shares_first(benchmark::State& state) {
  const Demand demand = demand_of(pool().config.demand, pool().map ? &*pool().map : nullptr);
  for (auto _ : state) {
    InclusionCache cache;
    benchmark::DoNotOptimize(shares_of(pool().base.plan.selection, demand, pool().rules(), cache));
  }
}

void shares_with_cache(benchmark::State& state) {
  const Demand demand = demand_of(pool().config.demand, pool().map ? &*pool().map : nullptr);
  InclusionCache cache;
  for (auto _ : state) benchmark::DoNotOptimize(shares_of(pool().base.plan.selection, demand, pool().rules(), cache));
}

void write_plan(benchmark::State& state) {
  size_t bytes = 0;
  for (auto _ : state) bytes = plan_json(pool().base.plan).size();
  state.counters["bytes"] = static_cast<double>(bytes);
}

void read_plan_back(benchmark::State& state) {
  const std::string text = plan_json(pool().base.plan);
  for (auto _ : state)
    if (!read_plan(text, "plan.json")) state.SkipWithError("not read");
}

BENCHMARK(plan_first)->Unit(benchmark::kMillisecond);
BENCHMARK(plan_next)->Unit(benchmark::kMillisecond);
BENCHMARK(plan_next_with_cache)->Unit(benchmark::kMillisecond);
BENCHMARK(select_servers)->Unit(benchmark::kMillisecond);
BENCHMARK(make_zones)->Unit(benchmark::kMillisecond);
BENCHMARK(compile_zones)->Unit(benchmark::kMillisecond);
BENCHMARK(demand_by_map)->Unit(benchmark::kMillisecond);
BENCHMARK(baseline_shares_by_record)->Unit(benchmark::kMillisecond);
BENCHMARK(shares_first)->Unit(benchmark::kMillisecond);
BENCHMARK(shares_with_cache)->Unit(benchmark::kMillisecond);
BENCHMARK(write_plan)->Unit(benchmark::kMillisecond);
BENCHMARK(read_plan_back)->Unit(benchmark::kMillisecond);

} // namespace
} // namespace anytick::plan

BENCHMARK_MAIN();
