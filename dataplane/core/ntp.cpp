#include "dataplane/core/ntp.h"

#include <cstring>

#include "dataplane/core/bytes.h"
#include "dataplane/core/frame.h"
#include "dataplane/core/interleave.h"
#include "dataplane/core/ntp_auth.h"
#include "dataplane/core/view.h"

namespace anytick::core {
namespace {

constexpr Counter good = Counter::count_;

enum Mode : uint8_t { unspecified = 0, symmetric_active = 1, symmetric_passive = 2, client = 3, server = 4 };

// Where fields are in the header (RFC 5905 figure 8).
constexpr size_t poll_at = 2;
constexpr size_t root_dispersion_at = 8;
constexpr size_t reference_at = 16;
constexpr size_t origin_at = 24;
constexpr size_t receive_at = 32;
constexpr size_t transmit_at = ntp_transmit_at;

constexpr uint8_t leap_unknown = 3;
constexpr uint32_t refid_rate = 0x45544152; // "RATE"

// Receive timestamps end in these bits of a counter, so that no two of a burst are alike: less than the precision of
// any clock that we read.
constexpr uint64_t stamp_mask = burst_max - 1;
static_assert((burst_max & stamp_mask) == 0);

constexpr size_t field_bytes_min = 16;      // RFC 7822 7.5
constexpr size_t last_field_bytes_min = 28; // of a packet without MAC: what is shorter would be taken for one

/// The first byte of the reply to a request that begins with `first`, or 0 if it is of no mode that is answered.
uint8_t first_of_reply(uint8_t first, uint16_t source_port) {
  const uint8_t version = first & 0x38;
  switch (first & 7) {
  case client:
    return version | server;
  case symmetric_active:
    return version | symmetric_passive;
  case unspecified: // version 1 has no modes: who asks from a port of his own is a client (RFC 5905 Appendix A.2)
    return version == 1 << 3 && source_port != port_ntp ? static_cast<uint8_t>(version | server) : uint8_t{0};
  default:
    return 0;
  }
}

/// As one word, so that whoever sums it up soon need not wait for two.
void store_pair(uint8_t* to, uint32_t first, uint32_t second) {
  store(to, uint64_t{second} << 32 | first);
}

bool is_mac(size_t length) {
  return length == 20 || length == ntp_mac_bytes_max;
}

/// Skips the extension fields from `at` on (RFC 7822): where the MAC begins, `length` where there is none, or 0 for
/// fields that cannot be.
size_t skip_fields(const uint8_t* message, size_t at, size_t length) {
  while (at < length && !is_mac(length - at)) {
    const size_t left = length - at;
    if (left < last_field_bytes_min) return 0;
    const size_t field = load_big16(message + at + 2);
    if (field < field_bytes_min || field % 4 != 0 || field > left) return 0;
    at += field;
  }
  return at;
}

/// What follows the header: fields of version 4, and a MAC.
Counter parse_rest(const WorkerState& worker, const uint8_t* message, size_t length, NtpRequest& request) {
  const bool has_fields = (message[0] >> 3 & 7) == 4;
  const size_t rest = length - ntp_header_bytes;
  if (rest == ntp_key_id_bytes) return Counter::drop_ntp_mac; // a crypto-NAK, or no digest
  if (!has_fields && !is_mac(rest)) return Counter::drop_ntp_extension;
  const size_t mac_at = has_fields ? skip_fields(message, ntp_header_bytes, length) : ntp_header_bytes;
  if (mac_at == 0) return Counter::drop_ntp_extension;
  if (mac_at == length) return good;
  const NtpKey* key = worker.ntp_keys == nullptr ? nullptr : worker.ntp_keys->find(load_big32(message + mac_at));
  const std::span<const uint8_t> all(message, length);
  if (key == nullptr || !key->verify(all.first(mac_at), all.subspan(mac_at))) return Counter::drop_ntp_mac;
  request.key = key;
  return good;
}

/// When the reply before this one went out, if the request asks for that (RFC 9769 2); else 0.
NtpTime earlier_transmit(const WorkerState& worker, const uint8_t* message) {
  constexpr uint8_t version_4_client = 4 << 3 | client;
  if (worker.interleave == nullptr || (message[0] & 0x3f) != version_4_client) return 0;
  if (load<uint64_t>(message + receive_at) == load<uint64_t>(message + transmit_at)) return 0;
  return worker.interleave->find(load_big64(message + origin_at));
}

} // namespace

Counter parse_ntp(const WorkerState& worker, const uint8_t* message, size_t length, uint16_t source_port,
                  NtpRequest& request) {
  if (length < ntp_header_bytes || length % 4 != 0) return Counter::drop_ntp_length;
  const unsigned version = message[0] >> 3 & 7;
  if (version < 1 || version > 4) return Counter::drop_ntp_version;
  request.first = first_of_reply(message[0], source_port);
  if (request.first == 0) return Counter::drop_ntp_mode;
  request.key = nullptr;
  return length == ntp_header_bytes ? good : parse_rest(worker, message, length, request);
}

NtpReply write_ntp_reply(WorkerState& worker, const NtpRequest& request, NtpTime received, bool kiss,
                         uint8_t* message) {
  const NtpClock& clock = worker.clock;
  const NtpTime earlier = kiss ? 0 : earlier_transmit(worker, message);
  NtpReply reply{request.key, (received & ~stamp_mask) | (worker.stamps++ & stamp_mask), earlier != 0,
                 ntp_header_bytes};
  const uint64_t origin = load<uint64_t>(message + (reply.interleaved ? receive_at : transmit_at));
  const uint32_t head = (kiss ? leap_unknown : clock.leap) << 6u | request.first | (kiss ? 0u : clock.stratum) << 8 |
                        uint32_t{message[poll_at]} << 16 | uint32_t{static_cast<uint8_t>(clock.precision)} << 24;
  store_pair(message, head, big32(clock.root_delay));
  store_pair(message + root_dispersion_at, big32(clock.root_dispersion), kiss ? refid_rate : clock.refid);
  store(message + reference_at, big64(clock.reference_time));
  store(message + origin_at, origin);
  store(message + receive_at, big64(reply.received));
  store(message + transmit_at, big64(earlier));
  if (reply.key != nullptr) {
    std::memset(message + ntp_header_bytes, 0, reply.key->mac_bytes());
    reply.length = static_cast<uint8_t>(ntp_header_bytes + reply.key->mac_bytes());
  }
  worker.counters.add(Counter::ntp_answered);
  if (kiss) worker.counters.add(Counter::ntp_kiss);
  if (!clock.is_synchronised()) worker.counters.add(Counter::ntp_unsynchronised);
  if (reply.interleaved) worker.counters.add(Counter::ntp_interleaved);
  if (reply.key != nullptr) worker.counters.add(Counter::ntp_authenticated);
  return reply;
}

void finish_ntp_reply(const NtpReply& reply, NtpTime transmit, uint8_t* message) {
  if (!reply.interleaved) {
    // Modulo 2^64, as times are: a transmit time before the receive time, or at it, would be an error of ours.
    const bool later = static_cast<int64_t>(transmit - reply.received) > 0;
    const NtpTime stamp = later ? transmit : reply.received + 1;
    store(message + transmit_at, big64(stamp != 0 ? stamp : 1)); // RFC 5905 6: zero is no time
  }
  if (reply.key != nullptr) reply.key->sign({message, ntp_header_bytes}, message + ntp_header_bytes);
}

} // namespace anytick::core
