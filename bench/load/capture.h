#pragma once

#include <optional>
#include <string>
#include <vector>

#include "geo/refusal.h"
#include "tests/packets/wire.h"

/// Captures of Ethernet frames, in any format that libpcap reads; it writes its own.
namespace anytick::bench {

/// All frames, at least one: each whole, of no more than frame_max bytes.
Result<std::vector<test::Bytes>> read_capture(const std::string& path);

/// Nothing, or why it could not be written.
std::optional<Refusal> write_capture(const std::string& path, const std::vector<test::Bytes>& frames);

} // namespace anytick::bench
