#pragma once

#include <string>
#include <string_view>

/// What shows that somebody may do something: told once, kept as a digest.
namespace anytick::registry {

/// 32 hexadecimal digits, 128 bits of randomness. Throws Fault where there is none.
std::string make_token();

/// SHA-256, hexadecimal.
std::string token_digest(std::string_view token);

} // namespace anytick::registry
