#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace anytick::registry {

/// Who changes something, why, and when: for the audit log.
struct Actor {
  std::string who;    ///< never empty
  std::string reason; ///< may be, but for changes that say so
  int64_t now = 0;    ///< seconds since 1970
};

/// Why the registry refuses. Thrown, so that the transaction around it is undone as a whole; the text is for people.
struct Fault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

} // namespace anytick::registry
