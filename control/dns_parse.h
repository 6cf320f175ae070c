#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dataplane/core/zone_image.h"
#include "geo/refusal.h"

/// What control/dns_text.h writes, read back to the same bytes. Refusals have only a reason.
namespace anytick::control {

/// Wire format of a name in presentation form with a trailing dot (RFC 1035 5.1); the case of letters stays.
Result<std::string> parse_escaped_name(std::string_view text);

/// 1 for "a", 65280 for "type65280"; nothing for what type_text() does not write.
std::optional<uint16_t> parse_type(std::string_view text);

/// RDATA in wire format, well-formed for the type.
Result<std::string> parse_rdata(uint16_t type, std::string_view text);

std::optional<core::AnswerKind> parse_kind(std::string_view text);

} // namespace anytick::control
