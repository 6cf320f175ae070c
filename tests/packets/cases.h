#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/core/counters.h"
#include "dataplane/core/path.h"
#include "tests/packets/wire.h"

namespace anytick::test {

/// One row of the packet tables. The same rows feed tests, fuzz corpora and benches.
struct PacketCase {
  const char* rule; ///< one of rules.h
  const char* description;
  Bytes frame;
  std::string reply; ///< as render_reply() shows it; empty: no reply
  /// All counters that the frame moves by one, but rx_frames. None: a punt, which the caller of handle() counts.
  std::vector<core::Counter> counters;

  core::Verdict verdict() const {
    if (counters.empty()) return core::Verdict::punt;
    return reply.empty() ? core::Verdict::drop : core::Verdict::reply;
  }
};

std::vector<PacketCase> frame_cases();
std::vector<PacketCase> dns_cases();
std::vector<PacketCase> edns_cases();
/// `now`: what the clock of who answers says, seconds since 1970 modulo 2^32.
std::vector<PacketCase> cookie_cases(uint32_t now = 0);
std::vector<PacketCase> delegation_cases();
std::vector<PacketCase> zone_cases();
std::vector<PacketCase> ntp_cases();
std::vector<PacketCase> all_cases(uint32_t now = 0);

/// The DNS message that a row's frame carries.
struct Asked {
  std::string from;
  bool ipv6;
  Bytes query;
};

/// Nothing, where the fault is in the frame: such a row is about the packet path alone. Nor where it is NTP.
std::optional<Asked> asked_by(const PacketCase& row);

} // namespace anytick::test
