#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/core/clock.h"
#include "dataplane/core/counters.h"

/// NTP versions 1 to 4 (RFC 1059, 1119, 1305, 5905; extension fields: RFC 7822; interleaved mode: RFC 9769): the
/// server's side.
namespace anytick::core {

struct WorkerState;
class NtpKey;

inline constexpr size_t ntp_header_bytes = 48;
inline constexpr size_t ntp_transmit_at = 40; ///< the transmit timestamp, last of the header

/// What is to be known of a request to answer it.
struct NtpRequest {
  const NtpKey* key = nullptr; ///< whose MAC it has; the reply gets one too
  uint8_t first = 0;           ///< of the reply: version and mode, LI zero
};

/// Counter::count_ where the `length` bytes of a datagram from `source_port` are a request to be answered, else why it
/// is dropped. Reads nothing outside them. Authenticated where it has a MAC.
Counter parse_ntp(const WorkerState& worker, const uint8_t* message, size_t length, uint16_t source_port,
                  NtpRequest& request);

/// A reply but for what is known when it goes out.
struct NtpReply {
  const NtpKey* key = nullptr;
  NtpTime received = 0;     ///< as the reply says; no two of one worker are alike within a burst
  bool interleaved = false; ///< it tells when the one before it went out, not when it does itself
  uint8_t length = 0;       ///< bytes, never more than the request's

  /// From here to its end it is zero: the transmit timestamp, unless the reply is interleaved, and the MAC.
  size_t open_from() const { return interleaved ? ntp_header_bytes : ntp_transmit_at; }
};

/// Writes the reply over the request, by worker.clock. `received`: when that came. `kiss`: a kiss-o'-death RATE
/// (RFC 5905 7.4).
NtpReply write_ntp_reply(WorkerState& worker, const NtpRequest& request, NtpTime received, bool kiss, uint8_t* message);

/// Completes a reply that goes out at `transmit`: the timestamp, always after that of receipt, and the MAC.
void finish_ntp_reply(const NtpReply& reply, NtpTime transmit, uint8_t* message);

} // namespace anytick::core
