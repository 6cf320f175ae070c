#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "geo/prefix.h"

/// A made-up pool, to try things with.
namespace anytick::sample {

struct WorldOptions {
  uint64_t seed = 1;
  uint32_t servers = 200; ///< sites; one in three has an IPv6 address, too
  uint32_t vendors = 5;
};

/// How well a server does.
enum class Health : uint8_t { good, flaky, bad };

struct SampleServer {
  geo::Address address; ///< of 198.18.0.0/15 or 2001:db8::/32
  std::string account;
  std::string country; ///< zone of the tree
  uint32_t netspeed;   ///< kbit/s
  Health health;
};

struct SampleVendor {
  std::string name, account;
};

struct World {
  std::vector<std::string> accounts;
  std::vector<SampleServer> servers; ///< by address
  std::vector<SampleVendor> vendors;
};

/// The same for the same options: many servers in few countries, one or none in many. `countries` are the zones of the
/// tree that servers may be in.
World make_world(const WorldOptions& options, const std::vector<std::string>& countries);

} // namespace anytick::sample
