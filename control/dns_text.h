#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "dataplane/core/zone_image.h"
#include "geo/refusal.h"

/// DNS names and records between wire format and text. Wire bytes are kept in strings.
namespace anytick::control {

/// Wire format of the root.
inline constexpr std::string_view root_name{"\0", 1};

/// ASCII letters to lower case; other bytes stay.
std::string lower_case(std::string_view text);

/// Wire format, lower case, of a name: absolute with a trailing dot, else below `origin` (wire format).
/// Limits of RFC 1035 2.3.4; escapes are not read. A refusal has only a reason.
Result<std::string> parse_name(std::string_view text, std::string_view origin);

/// Presentation form with a trailing dot, escaped as RFC 1035 5.1 has it. Precondition: a valid uncompressed name.
std::string name_text(std::string_view wire);

/// The text of a name relative to `origin`, "" for the origin itself; nothing for names that are not in it. Wire
/// formats.
std::optional<std::string> relative_text(std::string_view wire, std::string_view origin);

/// "a" for 1, "type65280" (RFC 3597) for types without a mnemonic. Lower case, as zone files have it.
std::string type_text(uint16_t type);

/// RDATA in presentation form. Precondition: it is well-formed for the type.
std::string rdata_text(uint16_t type, std::string_view rdata);

/// How an image's RRset is answered: "all", "draw" ...
std::string_view kind_text(core::AnswerKind kind);

/// Appends an integer in network byte order.
template <class T> void append_big(std::string& bytes, T value) {
  for (size_t i = sizeof(T); i-- > 0;) bytes += static_cast<char>(value >> (8 * i) & 0xff);
}

} // namespace anytick::control
