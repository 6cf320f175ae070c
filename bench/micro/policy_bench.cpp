// What a policy costs a query: judge() by number of rules, on misses and on hits, of names that match nothing, as
// nearly all do. Rules are what operators write: vendor groups, hexadecimal labels, suffixes, hosts.
// "judge/other_types" asks for a type that no rule is for; "name_text" only writes the text that is scanned: what is
// left is Hyperscan's. "cycles" are those of the TSC per query.

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <x86intrin.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/core/policy.h"
#include "dataplane/core/random.h"
#include "tests/packets/policies.h"
#include "tests/packets/wire.h"

namespace anytick {
namespace {

constexpr size_t names_count = 1024;

std::string pattern_of(size_t i) {
  switch (i % 4) {
  case 0:
    return fmt::format("^[0-3]\\.vendor{}\\.pool\\.example$", i);
  case 1:
    return fmt::format("^[0-9a-f]{{{}}}\\.v{}\\.", 8 + i % 20, i);
  case 2:
    return fmt::format("\\.zone{}\\.(com|net|org)$", i);
  default:
    return fmt::format("^(www|ns[0-9]|mail)\\.host{}[a-z]{{0,8}}\\.", i);
  }
}

std::vector<core::PolicyRule> rules_of(size_t count) {
  std::vector<core::PolicyRule> rules(count);
  for (size_t i = 0; i < count; ++i) {
    rules[i].name = fmt::format("r{}", i);
    rules[i].pattern = pattern_of(i);
    rules[i].on_all = true;
    rules[i].qtypes = {core::dns::A, core::dns::AAAA};
    rules[i].action = core::PolicyAction::drop;
  }
  return rules;
}

template <class T> T must(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "policy_bench: %s\n", result.refusal().text().c_str());
    std::exit(1);
  }
  return std::move(*result);
}

/// Names as they are asked for: of the pool, or random ones below it and elsewhere.
std::vector<core::FoldedName> names_of(bool miss) {
  core::Random random(42);
  std::vector<core::FoldedName> names(names_count);
  for (core::FoldedName& name : names) {
    const uint64_t word = random.next();
    const std::string text = !miss           ? fmt::format("{}.{}.pool.example", word % 4, word % 250)
                             : word % 2 == 0 ? fmt::format("{:012x}.pool.example", word >> 16)
                                             : fmt::format("www{}.some-name.example.org", word % 100);
    const test::Bytes wire = test::wire_name(text);
    if (!core::read_name(wire, name)) std::exit(1);
  }
  return names;
}

/// Times `body(name)` of one name after the other.
template <class Body> void run(benchmark::State& state, bool miss, Body&& body) {
  const auto names = names_of(miss);
  size_t at = 0;
  const uint64_t start = __rdtsc();
  for (auto _ : state) benchmark::DoNotOptimize(body(names[at++ % names_count]));
  state.counters["cycles"] = static_cast<double>(__rdtsc() - start) / static_cast<double>(state.iterations());
  state.SetItemsProcessed(state.iterations());
}

void judge(benchmark::State& state, bool miss, uint16_t type) {
  const auto policy = test::build_policy(rules_of(static_cast<size_t>(state.range(0))));
  const geo::Address source = geo::Address::ipv4(0xc0000201);
  run(state, miss, [&](const core::FoldedName& name) {
    return policy->judge({name, type, miss, true, source, {'u', 's'}}, 0, nullptr, 0);
  });
}

void name_text(benchmark::State& state, bool miss) {
  std::array<char, core::name_text_max> text;
  run(state, miss, [&](const core::FoldedName& name) {
    const size_t length = core::write_name_text(name.suffix(0), text.data());
    benchmark::ClobberMemory();
    return length;
  });
}

void compile(benchmark::State& state) {
  const auto rules = rules_of(static_cast<size_t>(state.range(0)));
  size_t bytes = 0;
  for (auto _ : state) bytes = must(core::compile_patterns(rules, "bench")).misses.size();
  state.counters["bytes"] = static_cast<double>(bytes);
}

BENCHMARK_CAPTURE(name_text, miss, true);
BENCHMARK_CAPTURE(name_text, hit, false);
BENCHMARK_CAPTURE(judge, miss, true, core::dns::A)->Arg(0)->Arg(1)->Arg(100)->Arg(1000);
BENCHMARK_CAPTURE(judge, hit, false, core::dns::A)->Arg(0)->Arg(1)->Arg(100)->Arg(1000);
BENCHMARK_CAPTURE(judge, other_types, true, core::dns::TXT)->Arg(1000);
BENCHMARK(compile)->Arg(1000)->Unit(benchmark::kMillisecond);

} // namespace
} // namespace anytick

BENCHMARK_MAIN();
