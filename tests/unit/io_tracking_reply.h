#pragma once

#include <array>
#include <cmath>
#include <cstdint>

#include "dataplane/core/bytes.h"
#include "dataplane/io/clock_report.h"

/// What chronyd says, byte by byte.
namespace anytick::io::test {

using TrackingReply = std::array<uint8_t, 104>;

/// A chronyd 4.3 half a second ahead of its system's clock, as it said so to a request of sequence 0x01020304.
inline constexpr TrackingReply real_reply{
    0x06, 0x02, 0x00, 0x00, 0x00, 0x21, 0x00, 0x05, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x02,
    0x03, 0x04, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x7f, 0x00, 0x00, 0x02, 0x7f, 0x00, 0x00, 0x02,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x04,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x6b, 0x03, 0x8b, 0x69, 0x02, 0x82, 0x58, 0x35, 0x02, 0x80, 0x03, 0xe3,
    0xe4, 0xce, 0x38, 0x7b, 0xe4, 0xce, 0x38, 0x7b, 0x09, 0x72, 0xb7, 0x90, 0xfc, 0x8c, 0x69, 0xf5, 0x0c, 0xbe,
    0xe8, 0x98, 0xf6, 0xa5, 0x8a, 0xb3, 0xf4, 0xa6, 0x7f, 0x31, 0x08, 0x82, 0x15, 0x66};
inline constexpr uint32_t real_sequence = 0x01020304;

/// The nearest that 7 bits of exponent and 25 of coefficient can say.
inline uint32_t tracking_float(double value) {
  int exponent = 0;
  auto coefficient = std::lround(std::ldexp(std::frexp(value, &exponent), 24));
  if (coefficient == 1 << 24) { // which has no place
    coefficient >>= 1;
    ++exponent;
  }
  // ldexp(coefficient, exponent + 1 - 25) is the value.
  return static_cast<uint32_t>(exponent + 1) << 25 | (static_cast<uint32_t>(coefficient) & 0x1ffffff);
}

inline TrackingReply tracking_reply(const ClockReport& report, uint32_t sequence) {
  TrackingReply reply = real_reply;
  uint8_t* bytes = reply.data();
  constexpr uint64_t second = 1'000'000'000;
  const auto reference = static_cast<uint64_t>(report.reference_time);
  core::store_big32(bytes + 16, sequence);
  core::store(bytes + 28, report.refid);
  core::store_big16(bytes + 52, report.stratum);
  core::store_big16(bytes + 54, report.synchronised ? report.leap : 3);
  core::store_big32(bytes + 56, static_cast<uint32_t>(reference / second >> 32));
  core::store_big32(bytes + 60, static_cast<uint32_t>(reference / second));
  core::store_big32(bytes + 64, static_cast<uint32_t>(reference % second));
  core::store_big32(bytes + 68, tracking_float(report.correction));
  core::store_big32(bytes + 92, tracking_float(report.root_delay));
  core::store_big32(bytes + 96, tracking_float(report.root_dispersion));
  return reply;
}

} // namespace anytick::io::test
