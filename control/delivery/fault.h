#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace anytick::delivery {

/// Why something is not done. Thrown, so that the transaction around it is undone as a whole; the text is for people.
struct Fault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The guard holds something against a plan, and nobody forced it.
struct Guarded : Fault {
  explicit Guarded(const std::vector<std::string>& objections);
};

} // namespace anytick::delivery
