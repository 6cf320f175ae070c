#pragma once

#include <map>
#include <string>

#include "control/plan/plan.h"

/// A plan for people to read.
namespace anytick::plan {

struct TextOptions {
  size_t top = 20;                                ///< rows of each table, the most important first; 0: all
  std::map<registry::Id, std::string> accounts{}; ///< names of those that have one
};

/// At most 120 columns wide, but for addresses and names that need more. What the guard holds against it comes last.
std::string plan_text(const Plan& plan, const TextOptions& options);

/// One line, for logs.
std::string plan_summary(const Plan& plan);

} // namespace anytick::plan
