#pragma once

#include <cstdint>
#include <span>

namespace anytick::core {

/// Whether `rdata` is well-formed for `type` (RFC 1035 3.3, 2782, 3596, 8659): names whole and uncompressed, nothing
/// left over. Types that we know nothing of are (RFC 3597).
bool rdata_is_well_formed(uint16_t type, std::span<const uint8_t> rdata);

} // namespace anytick::core
