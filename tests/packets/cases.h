#pragma once

#include <string>
#include <utility>
#include <vector>

#include "dataplane/core/counters.h"
#include "dataplane/core/path.h"
#include "tests/packets/wire.h"

namespace anytick::test {

/// One row of the packet tables. The same rows feed tests, fuzz corpora and benches.
struct PacketCase {
  const char* rule; ///< "room.subject": what the row is about; ids may repeat
  const char* description;
  Bytes frame;
  std::string reply; ///< as render() shows its payload; empty: no reply
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
std::vector<PacketCase> cookie_cases();
std::vector<PacketCase> delegation_cases();
std::vector<PacketCase> zone_cases();
std::vector<PacketCase> all_cases();

} // namespace anytick::test
