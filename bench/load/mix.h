#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "bench/load/answer_sets.h"
#include "tests/packets/wire.h"

namespace anytick::bench {

/// What is asked, by whom and of whom. Shares are 0..1 of all frames, those of EDNS and client subnets of all queries.
struct MixOptions {
  std::string server, server_mac, client_mac;
  std::string sources = "10.0.0.0"; ///< the first of 2^source_bits IPv4 addresses
  unsigned source_bits = 20;
  double zipf = 0; ///< exponent; 0: every name as often as the others
  double edns = 0, subnet = 0;
  double ntp = 0;
  double garbage = 0; ///< messages shorter than a header of DNS, which nobody answers
  uint64_t seed = 1;
};

/// A frame but for source, port and number, which are zero in it.
struct MixFrame {
  enum class Kind : uint8_t { query, time, garbage };
  Kind kind;
  const Answerable* asked; ///< of a query
  test::Bytes bytes;
};

inline constexpr size_t frame_payload_at = 14 + 20 + 8;
/// Frames of a mix; they are sent in turn.
inline constexpr size_t mix_frames = 1 << 14;

/// A sample of the mix. `names`, most asked first, outlive it; empty only where all is NTP or garbage.
std::vector<MixFrame> draw_mix(const MixOptions& options, std::span<const Answerable> names);

/// Writes the frame with number `number`: the id of a query and, from 1024 on, its port's upper bits; the low half of
/// an NTP request's stamp. Sums are right. `source` as on the wire.
void write_frame(const MixFrame& frame, uint32_t number, uint32_t source, uint8_t* to);

/// Numbers are counted modulo this.
inline constexpr uint32_t numbers = 1u << 31;
/// The number that a reply's payload and destination port state.
uint32_t number_of(uint16_t port, uint16_t id);

} // namespace anytick::bench
