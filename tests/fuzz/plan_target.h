#pragma once

#include <cstddef>
#include <cstdint>

#include "tests/packets/wire.h"

namespace anytick::test {

/// Reads a plan file, once as it is and once with the checksum that it should have, and aborts with a message where
/// what was read is not written and read the same, or breaks what the rest of the hub relies on.
void check_plan(const uint8_t* data, size_t size);

/// What the fuzzer starts from.
std::vector<Bytes> plan_seeds();

} // namespace anytick::test
