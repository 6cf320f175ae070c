#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "dataplane/core/view.h"
#include "geo/prefix.h"

/// The packet's way: rx burst -> parse -> locate -> answer -> turn around. Pure: no I/O, no clock, no allocation.
namespace anytick::core {

enum class Verdict : uint8_t { reply, punt, drop };

/// What the device says of a received checksum.
enum class Checksum : uint8_t { unknown, good, bad };

/// One received frame in one contiguous buffer, answered in place.
struct Frame {
  uint8_t* data = nullptr; ///< first byte of the Ethernet header
  uint32_t length = 0;     ///< in: bytes received, FCS not included; out: bytes to send
  uint32_t room = 0;       ///< bytes that may be written from `data` on, >= length
  Checksum ip_checksum = Checksum::unknown;
  Checksum udp_checksum = Checksum::unknown;
  bool segmented = false; ///< the frame has more segments than this one
  NtpTime waited = 0;     ///< how long before the worker's `wall` it came, if the device knows that; else 0

  Verdict verdict = Verdict::drop; ///< out
  uint8_t l2_length = 0;           ///< out, for replies: Ethernet and VLAN header bytes
  uint8_t l3_length = 0;           ///< out, for replies: IP header bytes (20: IPv4, 40: IPv6)
};

using Mac = std::array<uint8_t, 6>;

/// What a port answers to and what it can do for us. Constant while its workers run.
struct Ingress {
  Mac mac{};
  std::optional<Mac> next_hop;               ///< where replies go, if not to where their query came from
  std::vector<uint32_t> ipv4;                ///< service addresses, network order as in the frame
  std::vector<std::array<uint8_t, 16>> ipv6; ///< service addresses
  bool ntp = true;                           ///< UDP/123 is answered, not left to the kernel
  bool tx_ip_checksum = false;               ///< the device fills in the IPv4 header checksum: left zero
  bool tx_udp_checksum = false;              ///< the device fills in the UDP checksum: left as the pseudo-header's sum
};

/// Gives each frame its verdict, and a reply its bytes, lengths and checksums. Counts each frame once, but punts, which
/// are left as they came: the caller counts what becomes of them. Frames that the device does not know the time of are
/// taken for come evenly in worker.waited, and what that may be wrong by is told as dispersion. NTP replies are not
/// complete until depart(): they are worker.departures, which point to the frames.
/// Precondition: frames.size() <= burst_max. One thread per WorkerState.
void handle(const View& view, const Ingress& ingress, WorkerState& worker, std::span<Frame> frames);

/// Completes the NTP replies of the burst, of which the n-th goes out n `step`s after `start`.
void depart(WorkerState& worker, const Ingress& ingress, NtpTime start, NtpTime step);

/// For interleaved mode: when they really went out. Precondition: worker.interleave. The frames may be gone.
void remember_departures(WorkerState& worker, NtpTime start, NtpTime step);

/// Answers one DNS message in place. `message` has `room` bytes of which `length` are the query.
/// Returns the reply's length, or 0 to drop it. Counts as handle() does.
size_t answer(const View& view, WorkerState& worker, const Client& client, uint8_t* message, size_t length,
              size_t room);

/// Answers one NTP message from `client` and its port that came worker.waited before worker.wall, in place;
/// finish_ntp_reply() completes it. Nothing, to drop it. Counts as handle() does.
std::optional<NtpReply> answer_ntp(WorkerState& worker, const geo::Address& client, uint16_t port, uint8_t* message,
                                   size_t length);

} // namespace anytick::core
