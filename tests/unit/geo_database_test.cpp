// Compares maps with libmaxminddb on real databases: the paths in the arguments, else in ANYTICK_MMDB with ':' between.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <maxminddb.h>

#include <cstdlib>
#include <memory>
#include <random>
#include <sstream>

#include "geo/map.h"
#include "geo/map_builder.h"
#include "geo/mmdb.h"
#include "geo/mmdb_record.h"
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

class RealDatabase : public testing::TestWithParam<Family> {};

TEST_P(RealDatabase, MapAgreesWithLibmaxminddb) {
  if (database_paths.empty()) GTEST_SKIP() << "no database given (arguments, or ANYTICK_MMDB)";
  constexpr uint64_t seed = 1;
  RecordProperty("seed", std::to_string(seed));
  std::mt19937_64 random{seed};
  for (const std::string& path : database_paths) {
    SCOPED_TRACE(path);
    const Result<Layer> layer = read_mmdb(path);
    ASSERT_TRUE(layer) << layer.refusal().text();
    const std::vector<std::byte> bytes = *build_map({&*layer, 1}, 0);
    const Map map = *Map::validate(bytes);
    const Database database{path};
    if (!database.has(GetParam())) continue;
    std::vector<Prefix> prefixes;
    for (const Layer::Entry& entry : layer->entries)
      if (entry.prefix.address.family == GetParam()) prefixes.push_back(entry.prefix);
    for (int i = 0; i < lookups; ++i) {
      const Address address = probe(random, prefixes, GetParam());
      if (GetParam() == Family::ipv6 && leads_to_ipv4(address)) continue;
      ASSERT_EQ(map.locations()[map.places()[map.find(address)].location], database.find(address)) << to_text(address);
    }
  }
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
