#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "geo/prefix.h"

/// What commands take on their command line to say who asks for what. `command` is for messages, e.g. "zone explain".
/// All throw CommandFailure (usage).
namespace anytick::control {

/// "192.0.2.7": the source address. "192.0.2.7/24": that sends 192.0.2.0/24 as client subnet.
struct ClientOption {
  geo::Address address;
  std::optional<uint8_t> subnet_length; ///< bits of the address, of a client subnet
};
ClientOption client_option(const char* command, const std::string& text);

geo::Address address_option(const char* command, const std::string& text);

/// "A", "any", "TYPE64" (RFC 3597 5).
uint16_t type_option(const char* command, const std::string& text);

} // namespace anytick::control
