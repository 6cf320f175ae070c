// What a POP does with tables that were pushed, beside swapping them: validating an image, joining it with a map.
// ANYTICK_IMAGE and ANYTICK_MAP name them.

#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <vector>

#include "control/command.h"
#include "dataplane/core/join.h"

namespace anytick {
namespace {

std::vector<std::byte> file_of(const char* variable) {
  const char* path = std::getenv(variable);
  if (path == nullptr) throw std::runtime_error(std::string(variable) + " names no file");
  return control::read_file(path);
}

template <class T> T taken(Result<T> result) {
  if (!result) throw std::runtime_error(result.refusal().text());
  return std::move(*result);
}

struct Tables {
  std::vector<std::byte> image_bytes = file_of("ANYTICK_IMAGE");
  std::vector<std::byte> map_bytes = file_of("ANYTICK_MAP");
  core::ZoneImage image = taken(core::ZoneImage::validate(image_bytes));
  geo::Map map = taken(geo::Map::validate(map_bytes));

  static const Tables& get() {
    static const Tables tables;
    return tables;
  }
};

void validate_image(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(core::ZoneImage::validate(Tables::get().image_bytes));
}
BENCHMARK(validate_image)->Unit(benchmark::kMillisecond);

void build_join(benchmark::State& state) {
  const Tables& tables = Tables::get();
  size_t bytes = 0;
  for (auto _ : state) bytes = taken(core::Join::build(tables.image, &tables.map))->memory_bytes();
  state.counters["bytes"] = static_cast<double>(bytes);
}
BENCHMARK(build_join)->Unit(benchmark::kMillisecond);

/// The least that a join takes: with nobody anywhere there is one class.
void build_join_without_map(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(taken(core::Join::build(Tables::get().image, nullptr)));
}
BENCHMARK(build_join_without_map)->Unit(benchmark::kMillisecond);

} // namespace
} // namespace anytick

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  try {
    const auto& tables = anytick::Tables::get();
    std::printf("%zu names, %zu places, %zu locations\n", tables.image.nodes().size(), tables.map.places().size(),
                tables.map.locations().size());
    benchmark::RunSpecifiedBenchmarks();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "join_bench: %s\n", error.what());
    return 1;
  }
}
