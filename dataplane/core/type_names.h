#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

/// What people call RR types (IANA's registry of them).
namespace anytick::core {

/// "aaaa" for 28: lower case, "" for types without a mnemonic here.
std::string_view type_mnemonic(uint16_t type);

/// The type that a mnemonic or "TYPE64" (RFC 3597 5) stands for, in any case; nothing where it is neither.
std::optional<uint16_t> parse_qtype(std::string_view text);

} // namespace anytick::core
