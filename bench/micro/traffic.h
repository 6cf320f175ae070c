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

/// `cookie`: a client's alone, without one of ours. `server_cookie`: with a good and young one, made with the first key
/// of cookie_keys_of_cases() at the second 0. `all`: client subnet and a client's cookie.
enum class Mix { plain, edns, subnet, cookie, server_cookie, all, miss, ipv6, ntp, ntp_ipv6, ntp_cmac, half_ntp };

/// Frames for each name, and a million addresses to send them from.
class Traffic {
 public:
  Traffic(Mix mix, const std::vector<std::string>& names);

  /// Lays the next burst out in the pool, sums right.
  void next(std::span<core::Frame> burst);

 private:
  void set_client(uint8_t* frame, uint32_t client) const;

  bool ipv6_;
  bool server_cookie_;
  std::vector<test::Bytes> frames_;
  std::vector<uint32_t> clients_;
  std::vector<uint8_t> pool_;
  size_t at_ = 0;
};

} // namespace anytick::bench
