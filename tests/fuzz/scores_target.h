#pragma once

#include <cstddef>
#include <cstdint>

#include "tests/packets/wire.h"

namespace anytick::test {

/// Reads a feed of scores, whose first byte chooses the format, twice into a scoreboard, and aborts with a message
/// where a row or a score is out of bounds or the second time changes something.
void check_scores(const uint8_t* data, size_t size);

/// What the fuzzer starts from.
std::vector<Bytes> scores_seeds();

} // namespace anytick::test
