#pragma once

#include <span>

namespace anytick::test {

/// A rule that rows of the packet tables hold the responder to.
struct Rule {
  const char* id;     ///< PacketCase::rule
  const char* source; ///< "RFC 1035 4.1.1", or "design" where it is our choice
  const char* says;
};

/// All of them, sorted by id.
std::span<const Rule> all_rules();

} // namespace anytick::test
