#pragma once

#include <string>
#include <string_view>

#include "geo/prefix.h"

/// What the registry takes. All throw Fault, with `what` at the beginning of its text.
namespace anytick::registry {

/// UTF-8 of so many bytes at most, without control characters; newlines where `lines`.
void check_text(const std::string& what, std::string_view text, size_t most, bool lines = false);

/// A host's name in lower case, without the dot at the end.
std::string checked_host(const std::string& what, std::string_view text);

/// An e-mail address in lower case.
std::string checked_email(std::string_view text);

/// An address that a server on the Internet can have; `unusual` ones too, which networks of one's own have. Never what
/// is no single host's.
void check_server_address(const geo::Address& address, bool unusual);

} // namespace anytick::registry
