#pragma once

#include <cstddef>
#include <cstdint>

#include "tests/packets/wire.h"

namespace anytick::test {

/// Reads a file of the registry, whose first byte chooses JSON or CSV of a kind, and aborts with a message where a row
/// has no place in it, or is another one when it is written and read again.
void check_transfer(const uint8_t* data, size_t size);

/// What the fuzzer starts from.
std::vector<Bytes> transfer_seeds();

} // namespace anytick::test
