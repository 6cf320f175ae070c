#pragma once

#include <cstddef>
#include <cstdint>

namespace anytick::test {

/// Gives one frame to the packet's way, in memory of exactly its size and again with room to grow, and aborts with a
/// message where a property is broken: the reply fits, it is the request turned around, has its id and question, QR
/// set, parses to its last byte, no answer was answered, and the frame was counted once. Once more with limits and
/// policy.
void check_frame(const uint8_t* data, size_t size);

/// The same of one DNS message, over UDP and over a stream.
void check_message(const uint8_t* data, size_t size);

} // namespace anytick::test
