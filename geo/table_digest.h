#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace anytick::geo {

/// SHA-256 over a compiled table with the 32 bytes at `digest_at`, where its header keeps it, taken as zero.
/// Precondition: `bytes` has them.
std::array<uint8_t, 32> table_digest(std::span<const std::byte> bytes, size_t digest_at);

} // namespace anytick::geo
