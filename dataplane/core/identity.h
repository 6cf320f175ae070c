#pragma once

#include <optional>
#include <string>

namespace anytick::core {

/// What a POP says of itself. Constant while it runs.
struct Identity {
  std::string nsid; ///< answers the NSID option (RFC 5001), any bytes, at most 255; empty: ignored
  std::optional<std::string>
      hostname; ///< CH TXT id.server. (RFC 4892) and hostname.bind., at most 255 bytes; none: REFUSED
  std::optional<std::string> version; ///< CH TXT version.server. and version.bind.
};

} // namespace anytick::core
