#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "dataplane/core/ntp_auth.h"
#include "tests/packets/wire.h"

/// NTP on the wire, independent of the code under test.
namespace anytick::test {

/// A header, field by field. Defaults are what a client of version 4 sends.
struct NtpMessage {
  unsigned leap = 0;
  unsigned version = 4;
  unsigned mode = 3;
  unsigned stratum = 0;
  unsigned poll = 6;
  unsigned precision = 0x20; ///< as RFC 8633 has clients send it
  uint64_t reference = 0;
  uint64_t origin = 0;
  uint64_t receive = 0;
  uint64_t transmit = 0x1122334455667788;
  Bytes after = {}; ///< bytes behind the header

  Bytes bytes() const;
};

/// An extension field (RFC 7822) of `length` bytes, whatever it says of itself.
Bytes extension_field(unsigned type, size_t length, unsigned stated_length = 0);

/// Key id and digest of a message by one of ntp_keys_of_cases(), or by a key of another id.
Bytes ntp_mac(uint32_t id, const Bytes& message);
/// The message with that behind it.
Bytes with_mac(uint32_t id, Bytes message);
/// 1: MD5, 2: SHA1, 3: AES-128, 4: AES-256.
std::span<const core::NtpKeyConfig> ntp_keys_of_cases();

uint64_t get64(const Bytes& bytes, size_t at);

/// A reply as text, for comparing:
///
///     v4 mode 4 LI 0 stratum 2 poll 6 | delay 10 ms, dispersion 5 ms, c000027b | origin 1122334455667788 | -
///
/// and at its end "key 3" for a MAC that is right. Throws std::runtime_error where it is longer than the request, has
/// times that are none or in no order, a wrong MAC, or bytes too many.
std::string render_ntp(const Bytes& request, const Bytes& reply);

/// What render_ntp() showed, as if the request had not waited: of a real worker's reply, where the dispersion of the
/// clock is 5 ms, that of the wait is on top.
std::string without_wait(std::string shown);

} // namespace anytick::test
