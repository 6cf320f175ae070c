#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "dataplane/core/policy_rule.h"
#include "geo/refusal.h"

namespace anytick::control {

/// What compiling may take of a processor and of memory.
struct PatternBudget {
  std::chrono::milliseconds each{5000};      ///< for one pattern
  std::chrono::milliseconds together{60000}; ///< for all of a policy
  size_t bytes = size_t{1} << 30;
};

/// Compiles the patterns of rules in child processes, which end where a pattern takes too much. Every rule whose
/// pattern cannot be compiled, by its line in `file`; where each can, what keeps all together from it. The caller has
/// one thread.
std::vector<Refusal> try_patterns(const std::vector<core::PolicyRule>& rules, const std::string& file,
                                  const PatternBudget& budget = {});

} // namespace anytick::control
