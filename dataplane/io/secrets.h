#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "dataplane/core/cookie.h"
#include "dataplane/pop.pb.h"
#include "geo/refusal.h"

/// The secrets of a POP: keys of DNS cookies, the same at all POPs of an address.
namespace anytick::io {

/// The keys that a message carries, the active one first; those that are retired are left out. Refused: other than one
/// active key, two equal ones, more than core::CookieKeys::max, keys that are not 16 bytes.
Result<core::CookieKeys> read_secrets(const pop::v1::Secrets& message);
pop::v1::Secrets write_secrets(const core::CookieKeys& keys);

/// One key that nobody else has, for a POP that was given none. Throws std::system_error without randomness.
core::CookieKeys random_secrets();

/// Tells keys apart without telling them: the first bytes of SHA-256 of the key.
std::array<uint8_t, 4> fingerprint(const core::CookieKey& key);

} // namespace anytick::io
