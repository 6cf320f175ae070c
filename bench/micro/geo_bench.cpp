#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <maxminddb.h>

#include <cstdio>
#include <cstdlib>
#include <random>
#include <sstream>

#include "geo/map.h"
#include "geo/map_builder.h"
#include "geo/mmdb.h"

// The databases that ANYTICK_MMDB names (with ':' between), else a made-up one of a country database's shape.
// The addresses are random: IPv4 over all of unicast; IPv6 within the databases' prefixes, since most others would end
// in the first table.

namespace {

using namespace anytick;
using namespace anytick::geo;

constexpr size_t address_count = size_t{1} << 20; // 4 and 16 MiB: they cannot stay in the caches beside the map
constexpr uint64_t seed = 20240229;

struct Ipv6 {
  uint64_t high;
  uint64_t low;
};

std::vector<Location> all_countries() {
  std::vector<Location> all;
  for (char a = 'a'; a <= 'z'; ++a)
    for (char b = 'a'; b <= 'z'; ++b)
      if (const Continent continent = continent_of(std::string{a, b}); continent != Continent::unknown)
        all.push_back({.country = {a, b}, .continent = continent});
  return all;
}

/// Halves blocks by chance into some 200,000 IPv4 and 50,000 IPv6 ones of all lengths; a few countries own most.
class Synthetic {
 public:
  Layer make() {
    for (uint32_t top = 1; top < 224; ++top) split(Address::ipv4(top << 24), 8, 24, 75);
    for (const uint64_t region : {0x2001, 0x2400, 0x2600, 0x2800, 0x2a00, 0x2c00})
      for (uint64_t block = 0; block < 256; ++block) split(Address::ipv6(region << 48 | block << 40, 0), 24, 48, 54);
    return std::move(layer_);
  }

 private:
  void split(const Address& address, unsigned length, unsigned longest, unsigned percent_split) {
    const bool is_whole = length == longest || random_() % 100 >= percent_split;
    if (is_whole) {
      if (random_() % 8 == 0) return; // not allocated
      const auto country = static_cast<uint32_t>(random_() % (1 + random_() % layer_.statements.size()));
      layer_.entries.push_back({prefix_of(address, length), country});
      return;
    }
    split(address, length + 1, longest, percent_split);
    Address upper = address;
    upper.bytes[length / 8] |= static_cast<uint8_t>(0x80 >> length % 8);
    split(upper, length + 1, longest, percent_split);
  }

  std::mt19937_64 random_{seed};
  Layer layer_{.name = "synthetic", .statements = all_countries(), .entries = {}};
};

std::vector<std::string> database_paths() {
  const char* list = std::getenv("ANYTICK_MMDB");
  std::vector<std::string> paths;
  std::istringstream stream{list == nullptr ? "" : list};
  for (std::string path; std::getline(stream, path, ':');) paths.push_back(path);
  return paths;
}

struct Fixture {
  std::vector<std::string> paths = database_paths();
  std::vector<Layer> layers = load();
  std::vector<std::byte> bytes = build();
  Map map = *Map::validate(bytes);
  std::vector<uint32_t> ipv4;
  std::vector<Ipv6> ipv6;

  Fixture() {
    std::mt19937_64 random{seed};
    ipv4.resize(address_count);
    for (uint32_t& address : ipv4) address = static_cast<uint32_t>((1 + random() % 223) << 24 | random() % (1 << 24));
    std::vector<Prefix> prefixes;
    for (const Layer& layer : layers) {
      std::printf("%s: %zu prefixes\n", layer.name.c_str(), layer.entries.size());
      for (const Layer::Entry& entry : layer.entries)
        if (entry.prefix.address.family == Family::ipv6 && entry.prefix.length <= 64) prefixes.push_back(entry.prefix);
    }
    for (size_t i = 0; i < address_count && !prefixes.empty(); ++i) {
      const Prefix& prefix = prefixes[random() % prefixes.size()];
      const uint64_t host = prefix.length == 64 ? 0 : random() >> prefix.length;
      ipv6.push_back({prefix.address.high() | host, random()});
    }
    std::printf("%zu places, %zu locations, map of %zu bytes, seed %lu\n", map.places().size(), map.locations().size(),
                bytes.size(), seed);
  }

  size_t prefix_count() const {
    size_t sum = 0;
    for (const Layer& layer : layers) sum += layer.entries.size();
    return sum;
  }

  static const Fixture& get() {
    static const Fixture fixture;
    return fixture;
  }

 private:
  std::vector<Layer> load() const {
    if (paths.empty()) return {Synthetic{}.make()};
    std::vector<Layer> read;
    for (const std::string& path : paths) {
      Result<Layer> layer = read_mmdb(path);
      if (!layer) {
        std::fprintf(stderr, "%s\n", layer.refusal().text().c_str());
        std::exit(1);
      }
      read.push_back(std::move(*layer));
    }
    return read;
  }

  std::vector<std::byte> build() const { return std::move(*build_map(layers, 0)); }
};

void count(benchmark::State& state, size_t per_iteration) {
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * per_iteration));
}

void ipv4_single(benchmark::State& state) {
  const Fixture& fixture = Fixture::get();
  size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(fixture.map.find_ipv4(fixture.ipv4[next]));
    next = (next + 1) % address_count;
  }
  count(state, 1);
}
BENCHMARK(ipv4_single);

/// The next address depends on the last result: the latency of one lookup.
void ipv4_latency(benchmark::State& state) {
  const Fixture& fixture = Fixture::get();
  size_t next = 0;
  uint32_t place = 0;
  for (auto _ : state) {
    place = fixture.map.find_ipv4(fixture.ipv4[next] ^ (place >> 24));
    next = (next + 1) % address_count;
  }
  benchmark::DoNotOptimize(place);
  count(state, 1);
}
BENCHMARK(ipv4_latency);

void ipv4_batch(benchmark::State& state) {
  const Fixture& fixture = Fixture::get();
  const auto burst = static_cast<size_t>(state.range(0));
  std::vector<uint32_t> places(burst);
  size_t next = 0;
  for (auto _ : state) {
    fixture.map.find_ipv4({fixture.ipv4.data() + next, burst}, places);
    benchmark::DoNotOptimize(places.data());
    benchmark::ClobberMemory();
    next = (next + burst) % address_count;
  }
  count(state, burst);
}
BENCHMARK(ipv4_batch)->Arg(8)->Arg(32)->Arg(64)->Arg(256);

void ipv6_single(benchmark::State& state) {
  const Fixture& fixture = Fixture::get();
  if (fixture.ipv6.empty()) return state.SkipWithError("the database has no IPv6");
  size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(fixture.map.find_ipv6(fixture.ipv6[next].high, fixture.ipv6[next].low));
    next = (next + 1) % address_count;
  }
  count(state, 1);
}
BENCHMARK(ipv6_single);

void ipv6_prefetched(benchmark::State& state) {
  const Fixture& fixture = Fixture::get();
  if (fixture.ipv6.empty()) return state.SkipWithError("the database has no IPv6");
  const auto burst = static_cast<size_t>(state.range(0));
  size_t next = 0;
  for (auto _ : state) {
    const Ipv6* addresses = fixture.ipv6.data() + next;
    for (size_t i = 0; i < burst; ++i) fixture.map.prefetch_ipv6(addresses[i].high);
    for (size_t i = 0; i < burst; ++i)
      benchmark::DoNotOptimize(fixture.map.find_ipv6(addresses[i].high, addresses[i].low));
    next = (next + burst) % address_count;
  }
  count(state, burst);
}
BENCHMARK(ipv6_prefetched)->Arg(32);

/// The baseline: what libmaxminddb does for the same addresses in the first database, without decoding the record.
class Database {
 public:
  explicit Database(benchmark::State& state) {
    const std::vector<std::string>& paths = Fixture::get().paths;
    open_ = !paths.empty() && MMDB_open(paths.front().c_str(), MMDB_MODE_MMAP, &database_) == MMDB_SUCCESS;
    if (!open_) state.SkipWithError("ANYTICK_MMDB names no database");
  }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database() {
    if (open_) MMDB_close(&database_);
  }

  bool is_open() const { return open_; }

  template <class SocketAddress> void look_up(const SocketAddress& address) const {
    int error = MMDB_SUCCESS;
    benchmark::DoNotOptimize(MMDB_lookup_sockaddr(&database_, reinterpret_cast<const sockaddr*>(&address), &error));
  }

 private:
  MMDB_s database_{};
  bool open_ = false;
};

void libmaxminddb_ipv4(benchmark::State& state) {
  const Fixture& fixture = Fixture::get();
  const Database database{state};
  if (!database.is_open()) return;
  size_t next = 0;
  for (auto _ : state) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(fixture.ipv4[next]);
    database.look_up(address);
    next = (next + 1) % address_count;
  }
  count(state, 1);
}
BENCHMARK(libmaxminddb_ipv4);

void libmaxminddb_ipv6(benchmark::State& state) {
  const Fixture& fixture = Fixture::get();
  const Database database{state};
  if (!database.is_open()) return;
  if (fixture.ipv6.empty()) return state.SkipWithError("the database has no IPv6");
  size_t next = 0;
  for (auto _ : state) {
    const Address text = Address::ipv6(fixture.ipv6[next].high, fixture.ipv6[next].low);
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    std::copy(text.bytes.begin(), text.bytes.end(), address.sin6_addr.s6_addr);
    database.look_up(address);
    next = (next + 1) % address_count;
  }
  count(state, 1);
}
BENCHMARK(libmaxminddb_ipv6);

void read_database(benchmark::State& state) {
  const Fixture& fixture = Fixture::get();
  if (fixture.paths.empty()) return state.SkipWithError("ANYTICK_MMDB names no database");
  for (auto _ : state)
    for (const std::string& path : fixture.paths) benchmark::DoNotOptimize(read_mmdb(path));
  count(state, fixture.prefix_count());
}
BENCHMARK(read_database)->Unit(benchmark::kMillisecond);

void build(benchmark::State& state) {
  const Fixture& fixture = Fixture::get();
  for (auto _ : state) benchmark::DoNotOptimize(build_map(fixture.layers, 0));
  count(state, fixture.prefix_count());
}
BENCHMARK(build)->Unit(benchmark::kMillisecond);

void validate(benchmark::State& state) {
  const Fixture& fixture = Fixture::get();
  for (auto _ : state) benchmark::DoNotOptimize(Map::validate(fixture.bytes));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * fixture.bytes.size()));
}
BENCHMARK(validate)->Unit(benchmark::kMillisecond);

} // namespace

BENCHMARK_MAIN();
