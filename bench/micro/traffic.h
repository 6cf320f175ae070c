#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "dataplane/core/path.h"
#include "tests/packets/wire.h"

/// What clients send to a port, as benches of the packet path lay it out in memory.
namespace anytick::bench {

core::Ingress ingress();

enum class Mix { plain, edns, subnet, miss, ipv6, ntp, ntp_ipv6, ntp_cmac, half_ntp };

/// Frames for each name, and a million addresses to send them from.
class Traffic {
 public:
  Traffic(Mix mix, const std::vector<std::string>& names);

  /// Lays the next burst out in the pool, sums right.
  void next(std::span<core::Frame> burst);

 private:
  void set_client(uint8_t* frame, uint32_t client) const;

  bool ipv6_;
  std::vector<test::Bytes> frames_;
  std::vector<uint32_t> clients_;
  std::vector<uint8_t> pool_;
  size_t at_ = 0;
};

} // namespace anytick::bench
