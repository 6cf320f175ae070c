#pragma once

#include <cstddef>
#include <cstdint>

#include "tests/packets/wire.h"

namespace anytick::test {

/// Reads a policy, and aborts with a message where it has both rules and faults or breaks its bounds. One of few rules
/// with simple patterns is compiled and judges a query.
void check_policy(const uint8_t* data, size_t size);

/// Asks one policy of many rules, and aborts with a message where it does not do what naive code does: one byte of
/// flags (1: a hit, 2: a stream, 4: IPv6), two of type, one that chooses a country, the source's 4 or 16 and a name in
/// wire format.
void check_policy_name(const uint8_t* data, size_t size);

/// What the fuzzers start from.
std::vector<Bytes> policy_seeds();
std::vector<Bytes> policy_name_seeds();

} // namespace anytick::test
