// Compares maps with libmaxminddb on real databases, each alone and all together under overrides: the paths in the
// arguments, else in ANYTICK_MMDB with ':' between.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <maxminddb.h>

#include <cstdlib>
#include <memory>
#include <random>
#include <set>
#include <sstream>

#include "geo/map.h"
#include "geo/map_builder.h"
#include "geo/mmdb.h"
#include "geo/mmdb_record.h"
#include "geo/overrides.h"
#include "tests/unit/geo_layers.h"

namespace anytick::geo {

namespace {

std::vector<std::string> database_paths;

using namespace test;

constexpr int lookups = 1'000'000;

class Database {
 public:
  explicit Database(const std::string& path) {
    if (MMDB_open(path.c_str(), MMDB_MODE_MMAP, &database_) != MMDB_SUCCESS) throw std::runtime_error(path);
  }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database() { MMDB_close(&database_); }

  bool has(Family family) const { return family == Family::ipv4 || database_.metadata.ip_version == 6; }

  Location find(const Address& address) const {
    sockaddr_storage storage{};
    if (address.family == Family::ipv4) {
      auto* ipv4 = reinterpret_cast<sockaddr_in*>(&storage);
      ipv4->sin_family = AF_INET;
      ipv4->sin_addr.s_addr = htonl(address.to_ipv4());
    } else {
      auto* ipv6 = reinterpret_cast<sockaddr_in6*>(&storage);
      ipv6->sin6_family = AF_INET6;
      std::copy(address.bytes.begin(), address.bytes.end(), ipv6->sin6_addr.s6_addr);
    }
    int error = MMDB_SUCCESS;
    const MMDB_lookup_result_s result =
        MMDB_lookup_sockaddr(&database_, reinterpret_cast<const sockaddr*>(&storage), &error);
    if (error != MMDB_SUCCESS) throw std::runtime_error(MMDB_strerror(error));
    return result.found_entry ? *read_mmdb_record(result.entry) : Location{};
  }

 private:
  MMDB_s database_{};
};

/// Blocks that lead to IPv4 in combined files: there the map states nothing.
bool leads_to_ipv4(const Address& address) {
  static const std::vector<Prefix> blocks{*parse_prefix("::/96"), *parse_prefix("::ffff:0:0/96"),
                                          *parse_prefix("2001::/32"), *parse_prefix("2002::/16")};
  return std::any_of(blocks.begin(), blocks.end(), [&](const Prefix& block) { return block.contains(address); });
}

/// Half of them anywhere, half inside or beside a prefix of the database.
Address probe(std::mt19937_64& random, const std::vector<Prefix>& prefixes, Family family) {
  const Address anywhere = random_address(random, family);
  if (prefixes.empty() || random() % 2 == 0) return anywhere;
  const Prefix& prefix = prefixes[random() % prefixes.size()];
  if (random() % 4 == 0) return random() % 2 == 0 ? predecessor(prefix.address) : successor(last_of(prefix));
  Address inside = prefix.address;
  for (unsigned bit = prefix.length; bit < inside.width(); ++bit)
    inside.bytes[bit / 8] |= static_cast<uint8_t>(anywhere.bytes[bit / 8] & 0x80 >> bit % 8);
  return inside;
}

/// Lines for places inside, around and beside what the databases have, as an operator would correct them.
Layer random_overrides(std::mt19937_64& random, const std::vector<Prefix>& ipv4, const std::vector<Prefix>& ipv6) {
  constexpr const char* fields[] = {"country=de", "region=us-ca", "asn=64500", "country=jp asn=64501",
                                    "region=us-ny asn=64502"};
  std::set<Prefix> chosen;
  for (int i = 0; i < 400; ++i) {
    const std::vector<Prefix>& prefixes = i % 2 == 0 ? ipv4 : ipv6;
    if (prefixes.empty()) continue;
    const Prefix& from = prefixes[random() % prefixes.size()];
    const auto length = static_cast<unsigned>(8 + random() % (from.address.width() - 7));
    chosen.insert(prefix_of(probe(random, prefixes, from.address.family), length));
  }
  std::ostringstream text;
  for (const Prefix& prefix : chosen) text << to_text(prefix) << ' ' << fields[random() % std::size(fields)] << '\n';
  std::vector<Refusal> faults;
  Layer layer = parse_overrides("overrides", text.str(), faults);
  for (const Refusal& fault : faults) ADD_FAILURE() << fault.text();
  return layer;
}

/// Layers of all databases, and the databases themselves to ask.
struct Stack {
  explicit Stack(std::span<const std::string> paths) {
    for (const std::string& path : paths) {
      layers.push_back(*read_mmdb(path));
      databases.push_back(std::make_unique<const Database>(path));
    }
  }

  std::vector<Prefix> prefixes(Family family) const {
    std::vector<Prefix> all;
    for (const Layer& layer : layers)
      for (const Layer::Entry& entry : layer.entries)
        if (entry.prefix.address.family == family) all.push_back(entry.prefix);
    return all;
  }
  void add_overrides(std::mt19937_64& random) {
    overrides = random_overrides(random, prefixes(Family::ipv4), prefixes(Family::ipv6));
    layers.push_back(overrides);
  }
  /// What libmaxminddb and the overrides say, none of it by the map's code.
  Location find(const Address& address) const {
    Location location;
    for (const auto& database : databases)
      if (database->has(address.family)) location = covered(location, database->find(address));
    if (const Layer::Entry* best = innermost(address); best != nullptr)
      location = covered(location, overrides.statements[best->statement]);
    return location;
  }

  std::vector<Layer> layers;
  std::vector<std::unique_ptr<const Database>> databases;
  Layer overrides;

 private:
  const Layer::Entry* innermost(const Address& address) const {
    const Layer::Entry* best = nullptr;
    for (const Layer::Entry& entry : overrides.entries)
      if (entry.prefix.contains(address) && (best == nullptr || entry.prefix.length > best->prefix.length))
        best = &entry;
    return best;
  }
};

class RealDatabase : public testing::TestWithParam<Family> {
 protected:
  void SetUp() override {
    ASSERT_FALSE(database_paths.empty()) << "no database given (arguments, or ANYTICK_MMDB)";
    RecordProperty("seed", std::to_string(seed_));
  }

  void compare(const Stack& stack) {
    const std::vector<std::byte> bytes = *build_map(stack.layers, 0);
    const Map map = *Map::validate(bytes);
    const std::vector<Prefix> prefixes = stack.prefixes(GetParam());
    ASSERT_FALSE(prefixes.empty());
    int compared = 0;
    while (compared < lookups) {
      const Address address = probe(random_, prefixes, GetParam());
      if (GetParam() == Family::ipv6 && leads_to_ipv4(address)) continue;
      ++compared;
      const Location& found = map.location_of(map.find(address));
      ASSERT_EQ(found, stack.find(address)) << to_text(address) << " seed " << seed_;
    }
  }

  static constexpr uint64_t seed_ = 1;
  std::mt19937_64 random_{seed_};
};

TEST_P(RealDatabase, MapAgreesWithLibmaxminddb) {
  for (const std::string& path : database_paths) {
    SCOPED_TRACE(path);
    compare(Stack({&path, 1}));
  }
}

TEST_P(RealDatabase, AllUnderOverridesAgree) {
  Stack stack(database_paths);
  stack.add_overrides(random_);
  ASSERT_GT(stack.overrides.entries.size(), 100u);
  compare(stack);
}

INSTANTIATE_TEST_SUITE_P(Geo, RealDatabase, testing::Values(Family::ipv4, Family::ipv6),
                         [](const auto& test) { return test.param == Family::ipv4 ? "ipv4" : "ipv6"; });

} // namespace
} // namespace anytick::geo

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  std::vector<std::string>& paths = anytick::geo::database_paths;
  paths.assign(argv + 1, argv + argc);
  const char* list = std::getenv("ANYTICK_MMDB");
  std::istringstream stream{paths.empty() && list != nullptr ? list : ""};
  for (std::string path; std::getline(stream, path, ':');) paths.push_back(path);
  return RUN_ALL_TESTS();
}
