#include "control/plan/inclusion_cache.h"

namespace anytick::plan {

const std::vector<double>& InclusionCache::find(std::vector<control::WeightClass> classes, unsigned k) {
  const auto [at, fresh] = known_.try_emplace({k, std::move(classes)});
  if (fresh) at->second.probabilities = control::inclusion_probabilities(at->first.second, k);
  at->second.used = true;
  return at->second.probabilities;
}

void InclusionCache::forget_unused() {
  std::erase_if(known_, [](const auto& each) { return !each.second.used; });
  for (auto& [key, known] : known_) known.used = false;
}

} // namespace anytick::plan
