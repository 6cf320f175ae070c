// From registry and scores to an image, step by step: 5,000 servers in 250 countries, 300 vendor zones. The baseline is
// what a selection is at least: looking each score up and sorting servers into their zones.

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <map>

#include "control/compile.h"
#include "control/selection/zones.h"
#include "tests/unit/selection_world.h"

namespace anytick::selection {
namespace {

constexpr test::WorldShape shape{.servers = 5000, .countries = 250, .accounts = 1500, .vendors = 300};

/// A pool, what was pushed last, and what an hour made of it.
struct Pool {
  test::World world = test::make_world(shape, 1);
  Selection previous = select(world.snapshot, world.scores, {}, {}, world.asn_of(), world.now);

  Pool() {
    core::Random random(1);
    test::pass_hour(world, random);
  }
  Selection selected(const Selection& before) const {
    return select(world.snapshot, world.scores, before, {}, world.asn_of(), world.now);
  }
  std::vector<control::Zone> zones(const Selection& selection) const {
    control::Findings findings("registry");
    auto made = make_zones(world.snapshot, selection, {}, 1, findings);
    if (made.empty()) std::abort();
    return made;
  }
};

const Pool& pool() {
  static const Pool pool;
  return pool;
}

void baseline(benchmark::State& state) {
  for (auto _ : state) {
    std::map<std::string, std::vector<std::pair<geo::Address, uint32_t>>> zones;
    for (const registry::Server& server : pool().world.snapshot.servers) {
      const auto score = pool().world.scores.find(server.address);
      if (score == pool().world.scores.end() || score->second < 10) continue;
      for (const std::string& zone : server.zones) zones[zone].emplace_back(server.address, server.netspeed);
    }
    benchmark::DoNotOptimize(zones);
  }
}
BENCHMARK(baseline)->Unit(benchmark::kMillisecond);

void first_selection(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(pool().selected({}));
}
BENCHMARK(first_selection)->Unit(benchmark::kMillisecond);

void next_selection(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(pool().selected(pool().previous));
}
BENCHMARK(next_selection)->Unit(benchmark::kMillisecond);

void zones_of_selection(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(pool().zones(pool().previous));
}
BENCHMARK(zones_of_selection)->Unit(benchmark::kMillisecond);

void image_of_zones(benchmark::State& state) {
  const std::vector<control::Zone> zones = pool().zones(pool().previous);
  for (auto _ : state) benchmark::DoNotOptimize(control::compile(zones, 1, 0));
}
BENCHMARK(image_of_zones)->Unit(benchmark::kMillisecond);

void all_in_all(benchmark::State& state) {
  size_t bytes = 0;
  for (auto _ : state) {
    const auto image = control::compile(pool().zones(pool().selected(pool().previous)), 1, 0);
    if (!image) std::abort();
    bytes = image->size();
  }
  state.counters["image"] = static_cast<double>(bytes);
}
BENCHMARK(all_in_all)->Unit(benchmark::kMillisecond);

} // namespace
} // namespace anytick::selection

BENCHMARK_MAIN();
