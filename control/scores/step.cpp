#include "control/scores/step.h"

#include <algorithm>
#include <cmath>

namespace anytick::scores {
namespace {

constexpr double memory = 0.95; ///< what a score keeps of itself from check to check

Step step_of_offset(double offset) {
  if (offset > 0.750) return {-2};
  if (offset > 0.100) return {0.731 - 2.308 * offset};
  if (offset > 0.025) return {std::min(1.0, 1.167 - 6.667 * offset)};
  return {1};
}

Step step_of_kiss(std::string_view code) {
  if (code == "RATE") return {-3.5};
  if (code == "DENY" || code == "RSTR") return {-10, -50};
  return {-2, 5};
}

} // namespace

Step step_of(const Observation& seen) {
  if (!seen.responded) return {-5};
  if (seen.stratum == 0u) return step_of_kiss(seen.kiss);
  // A reply that gives no offset, or does not say its stratum, has something wrong even if nobody said what.
  if (!seen.error.empty() || !seen.offset || !seen.stratum) return {-4};
  const double offset = std::abs(*seen.offset);
  if (!(offset <= 3)) return {-4, -20}; // nor is NaN good
  if (*seen.stratum >= 8) return {-4};
  return step_of_offset(offset);
}

double next_score(double score, const Step& step) {
  return std::min(memory * score + step.step, step.cap);
}

} // namespace anytick::scores
