// core's whole way of a burst, frame to frame: 1,500 names asked by a million random clients, sums verified and written
// in software, counters on. The baseline turns the same frames around without looking at what they carry: the least
// that any responder does with these rules.
//
//     path_bench --image=FILE --map=FILE [Google Benchmark's options]
//     path_bench --image=FILE --map=FILE --row=NAME --bursts=N
//
// The second form answers N bursts as the row does and times nothing: for callgrind, which counts instructions.
//
// Rows count time around handle() and depart() alone: frames are laid out outside of it, as a NIC does. "cycles" are
// those of the TSC per answer.

#include <benchmark/benchmark.h>
#include <sys/mman.h>
#include <x86intrin.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "bench/micro/traffic.h"
#include "dataplane/core/deck.h"
#include "dataplane/core/frame.h"
#include "dataplane/core/join.h"
#include "dataplane/core/path.h"
#include "dataplane/core/policy.h"
#include "tests/packets/policies.h"
#include "tests/packets/world.h"

namespace anytick {
namespace {

using bench::ingress;
using bench::Mix;
using bench::Traffic;

constexpr size_t burst = 32;

struct Free {
  void operator()(std::byte* memory) const { std::free(memory); }
};
using Memory = std::unique_ptr<std::byte[], Free>;

/// Zeroed, in pages of 2 MiB where the kernel has them: so the daemon keeps tables and limits.
Memory zeroed(size_t bytes) {
  constexpr size_t page = size_t{2} << 20;
  const size_t size = (bytes + page - 1) / page * page;
  void* memory = std::aligned_alloc(page, size);
  madvise(memory, size, MADV_HUGEPAGE);
  return Memory(static_cast<std::byte*>(std::memset(memory, 0, size)));
}

struct Tables {
  Memory image_bytes, map_bytes;
  std::unique_ptr<core::ZoneImage> image;
  std::unique_ptr<geo::Map> map;
  std::unique_ptr<const core::Join> join;

  core::View view() const { return {image.get(), map.get(), join.get(), &test::cookie_keys_of_cases()}; }
};

std::span<const std::byte> read_file(const std::string& path, Memory& memory) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  memory = zeroed(bytes.size() + 1);
  std::memcpy(memory.get(), bytes.data(), bytes.size());
  return {memory.get(), bytes.size()};
}

template <class T> T must(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "path_bench: %s\n", result.refusal().text().c_str());
    std::exit(1);
  }
  return std::move(*result);
}

Tables tables;

void load(const std::string& image, const std::string& map) {
  tables.image =
      std::make_unique<core::ZoneImage>(must(core::ZoneImage::validate(read_file(image, tables.image_bytes))));
  tables.map = std::make_unique<geo::Map>(must(geo::Map::validate(read_file(map, tables.map_bytes))));
  tables.join = must(core::Join::build(*tables.image, tables.map.get()));
}

std::string text_of(std::span<const uint8_t> wire) {
  std::string text;
  for (size_t at = 0; wire[at] != 0; at += wire[at] + 1u)
    text += std::string(reinterpret_cast<const char*>(&wire[at + 1]), wire[at]) + '.';
  return text;
}

/// Names of the image that have addresses, as an asker would find them.
std::vector<std::string> address_names() {
  std::vector<std::string> names;
  for (uint32_t i = 0; i < tables.image->nodes().size(); ++i)
    if (!tables.join->node(i).a.is_none())
      names.push_back(text_of(tables.image->bytes_of(tables.image->nodes()[i].name)));
  return names;
}

/// Times `body(frames)` over bursts.
template <class Body> void run(benchmark::State& state, Mix mix, Body&& body) {
  Traffic source(mix, address_names());
  std::array<core::Frame, burst> frames;
  uint64_t cycles = 0;
  for (auto _ : state) {
    source.next(frames);
    const auto start = std::chrono::steady_clock::now();
    const uint64_t start_cycles = __rdtsc();
    body(std::span<core::Frame>(frames));
    cycles += __rdtsc() - start_cycles;
    state.SetIterationTime(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  const auto answers = static_cast<double>(state.iterations()) * burst;
  state.SetItemsProcessed(static_cast<int64_t>(answers));
  state.counters["cycles"] = {static_cast<double>(cycles) / answers, benchmark::Counter::kAvgThreads};
}

void turn_around_only(benchmark::State& state, Mix mix) {
  const core::Ingress port = ingress();
  run(state, mix, [&](std::span<core::Frame> frames) {
    for (core::Frame& frame : frames) {
      core::Datagram datagram;
      if (core::parse_frame(frame, port, datagram) != core::Counter::count_) continue;
      core::turn_around(frame, port, datagram, datagram.payload_length, datagram.payload_sum);
    }
    benchmark::ClobberMemory();
  });
}

/// What stands between a query and its answer.
struct Guard {
  enum class Limits { none, off, on, exceeded };
  const char* name;
  Mix mix;
  Limits limits = Limits::none;
  unsigned rules = 0;
  const char* on = nullptr; ///< of the rules
};

/// Rules that no name of the load matches, as nearly all do not match most rules.
std::unique_ptr<core::Policy> policy_of(const Guard& guard) {
  std::string text;
  for (unsigned i = 0; i < guard.rules; ++i) {
    const std::string number = std::to_string(i);
    const char* forms[] = {"^([0-3]\\.)?vendor{}\\.pool\\.example$", "^[0-9a-f]{12,}\\.z{}\\.pool\\.example$",
                           "(^|\\.)suffix{}\\.test$", "^host{}\\."};
    std::string pattern = forms[i % 4];
    pattern.replace(pattern.find("{}"), 2, number);
    text += "[[rule]]\nname = \"" + number + "\"\npattern = '" + pattern + "'\non = \"" + guard.on +
            "\"\naction = \"drop\"\n";
  }
  return test::make_policy(text);
}

/// A worker with limits, and a view with a policy.
class Guarded {
 public:
  static constexpr size_t lines_bytes = size_t{16} << 20;

  explicit Guarded(const Guard& guard)
      : worker_(7), view_(tables.view()), mix_(guard.mix), exceeded_(guard.limits == Guard::Limits::exceeded) {
    test::set_up_ntp(worker_);
    worker_.decks = &decks_;
    if (guard.rules > 0) {
      policy_ = policy_of(guard);
      view_.policy = policy_.get();
    }
    if (guard.limits == Guard::Limits::none) return;
    core::LimitRules rules;
    if (guard.limits == Guard::Limits::off) rules.mode = core::LimitMode::off;
    if (exceeded_) {
      rules.ipv4_prefix = 8; // 95 sources, over their rate after one answer each
      rules.per_second.fill(1);
      rules.burst_seconds = 0;
      rules.slip = 0;
    }
    lines_ = zeroed(lines_bytes);
    const std::span lines(reinterpret_cast<core::Limiter::Line*>(lines_.get()),
                          lines_bytes / sizeof(core::Limiter::Line));
    limiter_ = std::make_unique<core::Limiter>(rules, lines, std::array<uint64_t, 2>{3, 4});
    worker_.limiter = limiter_.get();
  }

  void handle(std::span<core::Frame> frames) {
    worker_.ticks += core::ticks_per_second * burst / 10'000'000; // 10 million queries a second
    core::handle(view_, port_, worker_, frames);
    core::depart(worker_, port_, worker_.clock.now + 1000, 10);
  }
  uint64_t frames() const { return worker_.counters.get(core::Counter::rx_frames); }
  /// Whether all frames ended as the row's name says.
  bool is_as_named() const {
    const uint64_t answered =
        worker_.counters.get(core::Counter::dns_answered) + worker_.counters.get(core::Counter::ntp_answered);
    const uint64_t limited = worker_.counters.get(core::Counter::drop_limit);
    const uint64_t proven = mix_ == Mix::server_cookie ? frames() : 0;
    if (worker_.counters.get(core::Counter::cookie_good) != proven) return false;
    return answered + limited == frames() && (exceeded_ ? answered <= 100 + frames() / 1000 : limited == 0);
  }

 private:
  core::Ingress port_ = ingress();
  core::WorkerState worker_;
  core::Decks decks_;
  core::View view_;
  Mix mix_;
  std::unique_ptr<core::Policy> policy_;
  Memory lines_;
  std::unique_ptr<core::Limiter> limiter_;
  bool exceeded_;
};

void guarded(benchmark::State& state, const Guard& guard) {
  Guarded path(guard);
  run(state, guard.mix, [&](std::span<core::Frame> frames) { path.handle(frames); });
  if (!path.is_as_named()) state.SkipWithError("frames did not end as the row's name says");
}

using Limits = Guard::Limits;
const Guard guards[] = {
    {"plain", Mix::plain},
    {"edns", Mix::edns},
    {"ecs", Mix::subnet},
    {"cookie", Mix::cookie},
    {"server_cookie", Mix::server_cookie},
    {"miss", Mix::miss},
    {"ipv6", Mix::ipv6},
    {"ntp", Mix::ntp},
    {"ntp_ipv6", Mix::ntp_ipv6},
    {"ntp_cmac", Mix::ntp_cmac},
    {"half_ntp", Mix::half_ntp},
    {"ntp/limits_on", Mix::ntp, Limits::on},
    {"half_ntp/limits_on", Mix::half_ntp, Limits::on},
    {"plain/limits_off", Mix::plain, Limits::off},
    {"plain/limits_on", Mix::plain, Limits::on},
    {"plain/limits_exceeded", Mix::plain, Limits::exceeded},
    {"edns/limits_on", Mix::edns, Limits::on},
    {"cookie/limits_on", Mix::cookie, Limits::on},
    {"miss/limits_on", Mix::miss, Limits::on},
    {"all", Mix::all},
    {"all/limits_on", Mix::all, Limits::on},
    {"plain/1_rule_on_misses", Mix::plain, Limits::none, 1, "miss"},
    {"plain/1000_rules_on_misses", Mix::plain, Limits::none, 1000, "miss"},
    {"miss/1_rule_on_misses", Mix::miss, Limits::none, 1, "miss"},
    {"miss/100_rules_on_misses", Mix::miss, Limits::none, 100, "miss"},
    {"miss/1000_rules_on_misses", Mix::miss, Limits::none, 1000, "miss"},
    {"plain/1_rule_on_all", Mix::plain, Limits::none, 1, "all"},
    {"plain/100_rules_on_all", Mix::plain, Limits::none, 100, "all"},
    {"plain/1000_rules_on_all", Mix::plain, Limits::none, 1000, "all"},
    {"plain/limits_on_1000_rules_on_all", Mix::plain, Limits::on, 1000, "all"},
    {"all/limits_on_1000_rules_on_all", Mix::all, Limits::on, 1000, "all"},
};

/// What callgrind counts (bench/micro/instructions).
[[gnu::noinline]] void counted(Guarded& path, std::span<core::Frame> frames) {
  path.handle(frames);
}

/// Before they are counted: as many as fill what a worker fills on the way.
constexpr uint64_t uncounted_bursts = 4000;

/// Bursts of one row, untimed; 2 if there is no such row.
int answer_bursts(const std::string& row, uint64_t bursts) {
  for (const Guard& guard : guards) {
    if (row != guard.name) continue;
    Guarded path(guard);
    Traffic source(guard.mix, address_names());
    std::array<core::Frame, burst> frames;
    for (uint64_t i = 0; i < uncounted_bursts; ++i) {
      source.next(frames);
      path.handle(frames);
    }
    const uint64_t before = path.frames();
    for (uint64_t i = 0; i < bursts; ++i) {
      source.next(frames);
      counted(path, frames);
    }
    if (!path.is_as_named()) {
      std::fprintf(stderr, "path_bench: %s: frames did not end as the row's name says\n", row.c_str());
      return 1;
    }
    std::printf("%lu frames\n", path.frames() - before);
    return 0;
  }
  std::fprintf(stderr, "path_bench: no row '%s'\n", row.c_str());
  return 2;
}

std::string take_option(int& argc, char** argv, const std::string& name) {
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument.rfind(name, 0) != 0) continue;
    std::move(argv + i + 1, argv + argc, argv + i);
    --argc;
    return argument.substr(name.size());
  }
  return {};
}

} // namespace
} // namespace anytick

int main(int argc, char** argv) {
  using namespace anytick;
  const std::string image = take_option(argc, argv, "--image=");
  const std::string map = take_option(argc, argv, "--map=");
  const std::string row = take_option(argc, argv, "--row=");
  const std::string bursts = take_option(argc, argv, "--bursts=");
  if (image.empty() || map.empty()) {
    std::fprintf(stderr, "usage: path_bench --image=FILE --map=FILE [Google Benchmark's options]\n");
    return 2;
  }
  load(image, map);
  if (row == "list") {
    for (const Guard& guard : guards) std::printf("%s\n", guard.name);
    return 0;
  }
  if (!row.empty()) return answer_bursts(row, std::stoul(bursts.empty() ? "1000" : bursts));
  std::printf("%zu names, %zu places, join %zu KiB\n", tables.image->nodes().size(), tables.map->places().size(),
              tables.join->memory_bytes() / 1024);
  for (const Guard& guard : guards) {
    if (guard.limits == Limits::none && guard.rules == 0)
      benchmark::RegisterBenchmark((std::string("turn_around/") + guard.name).c_str(), turn_around_only, guard.mix)
          ->UseManualTime();
    benchmark::RegisterBenchmark((std::string("answer/") + guard.name).c_str(), guarded, guard)->UseManualTime();
  }
  // Workers side by side share the tables, and nothing that they write: each answers as fast as one alone.
  benchmark::RegisterBenchmark("workers/all/limits_on", guarded, Guard{"", Mix::all, Limits::on})
      ->UseManualTime()
      ->ThreadRange(1, static_cast<int>(std::thread::hardware_concurrency()));
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
}
