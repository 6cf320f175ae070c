#pragma once

#include <cstddef>
#include <map>
#include <utility>
#include <vector>

#include "control/inclusion.h"

namespace anytick::plan {

/// Inclusion probabilities by weights: most sets are the same from plan to plan, and many within one. One thread.
class InclusionCache {
 public:
  /// control::inclusion_probabilities(), by class. Valid until forget_unused().
  const std::vector<double>& find(std::vector<control::WeightClass> classes, unsigned k);

  /// Drops what was not asked for since the last time.
  void forget_unused();
  size_t size() const { return known_.size(); }

 private:
  struct Known {
    std::vector<double> probabilities;
    bool used = false;
  };
  std::map<std::pair<unsigned, std::vector<control::WeightClass>>, Known> known_;
};

} // namespace anytick::plan
