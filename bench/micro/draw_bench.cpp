// Four of N by weight, against what a program without tables of its own would do: a search in the running sums for
// each, again when it was drawn already.

#include <benchmark/benchmark.h>
#include <x86intrin.h>

#include <algorithm>
#include <vector>

#include "dataplane/core/bytes.h"
#include "dataplane/core/draw.h"

namespace anytick::core {
namespace {

constexpr unsigned wanted = 4;

struct Tables {
  explicit Tables(const std::vector<uint32_t>& weights)
      : values(weights.size()), slots(weights.size()), before(weights.size() + 1) {
    build_draw(weights, values, slots, before);
  }
  DrawView view() const { return {slots.data(), before.data(), static_cast<uint32_t>(slots.size())}; }

  std::vector<uint32_t> values;
  std::vector<DrawSlot> slots;
  std::vector<uint64_t> before;
};

std::vector<uint32_t> pool_weights(size_t count) {
  constexpr uint32_t steps[] = {512, 3000, 12000, 50000, 100000, 250000, 500000, 1000000, 3000000};
  Random random(1);
  std::vector<uint32_t> weights(count);
  for (uint32_t& weight : weights) weight = steps[random.next() % std::size(steps)];
  return weights;
}

std::vector<uint32_t> giant_weights(size_t count) {
  std::vector<uint32_t> weights(count, 512);
  weights[count / 2] = 3000000;
  return weights;
}

template <class Draw> void run(benchmark::State& state, const Tables& tables, Draw&& draw_once) {
  Random random(2);
  const uint64_t start = __rdtsc();
  for (auto _ : state) {
    Drawn drawn;
    draw_once(tables.view(), random, drawn);
    benchmark::DoNotOptimize(drawn);
  }
  state.counters["cycles"] = static_cast<double>(__rdtsc() - start) / static_cast<double>(state.iterations());
}

void search_and_retry(const DrawView& view, Random& random, Drawn& drawn) {
  drawn.count = 0;
  const uint64_t total = view.before[view.count];
  while (drawn.count < wanted) {
    const auto point = static_cast<uint64_t>(static_cast<uint128>(random.next()) * total >> 64);
    const auto index =
        static_cast<uint32_t>(std::upper_bound(view.before, view.before + view.count + 1, point) - view.before - 1);
    if (std::find(drawn.indices, drawn.indices + drawn.count, index) == drawn.indices + drawn.count)
      drawn.indices[drawn.count++] = index;
  }
}

void alias(const DrawView& view, Random& random, Drawn& drawn) {
  draw(view, wanted, random, drawn);
}

void baseline_pool(benchmark::State& state) {
  run(state, Tables(pool_weights(static_cast<size_t>(state.range(0)))), search_and_retry);
}
void draw_pool(benchmark::State& state) {
  run(state, Tables(pool_weights(static_cast<size_t>(state.range(0)))), alias);
}
void baseline_giant(benchmark::State& state) {
  run(state, Tables(giant_weights(static_cast<size_t>(state.range(0)))), search_and_retry);
}
void draw_giant(benchmark::State& state) {
  run(state, Tables(giant_weights(static_cast<size_t>(state.range(0)))), alias);
}

BENCHMARK(baseline_pool)->Arg(16)->Arg(250)->Arg(4000)->Arg(50000);
BENCHMARK(draw_pool)->Arg(5)->Arg(16)->Arg(250)->Arg(4000)->Arg(50000);
BENCHMARK(baseline_giant)->Arg(16)->Arg(250);
BENCHMARK(draw_giant)->Arg(16)->Arg(250);

} // namespace
} // namespace anytick::core

BENCHMARK_MAIN();
