#pragma once

#include <string>

#include "tests/packets/wire.h"

namespace anytick::test {

/// A DNS message as text, for comparing: status and flags, then sections between " | ": question, answer, authority,
/// and the OPT. Records of a section are sorted and joined by ", ". Throws std::runtime_error for a message that does
/// not parse to its last byte.
///
///     NOERROR qr aa rd | 0.test.example. A | 0.test.example. 300 A 203.0.113.1 | - | OPT 1232 do ECS 192.0.2.0/24/20
std::string render(const Bytes& message);

/// The DNS payload of a reply frame, after checking that the frame is the request turned around: addresses, ports and
/// VLAN tags, TTL 64, DSCP/ECN 0, DF and id 0, lengths and checksums. Throws std::runtime_error naming what is wrong.
Bytes payload_of_reply(const Bytes& request, const Bytes& reply);

/// The payload of a reply frame as text, by render() or render_ntp().
std::string render_reply(const Bytes& request, const Bytes& reply);

} // namespace anytick::test
