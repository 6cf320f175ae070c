#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/core/policy.h"
#include "geo/prefix.h"

/// What a policy makes of a query and why, told by the code that judges.
namespace anytick::control {

struct PolicyQuestion {
  std::string name; ///< wire format
  uint16_t type = 0;
  std::optional<geo::Address> source; ///< nothing: not known, and rules for some clients do not match
  std::optional<geo::Prefix> subnet;  ///< that the client states
  std::array<char, 2> country{};      ///< zero where unknown
  std::vector<bool> misses;           ///< as a miss, as a hit, or each of them
  bool udp = true;
};

/// What comes of it as a miss, or as a hit.
struct PolicyOutcome {
  bool miss;
  core::PolicyVerdict verdict;
  std::optional<size_t> decided_by;      ///< index of the rule, if one decides
  std::vector<size_t> limits;            ///< those that match before, whose rate may be over
  std::vector<core::Policy::Step> steps; ///< of each rule
};

/// Refused where the patterns do not compile.
Result<std::vector<PolicyOutcome>> explain_policy(std::vector<core::PolicyRule> rules, const std::string& file,
                                                  const PolicyQuestion& question);

std::string outcomes_text(const std::vector<core::PolicyRule>& rules, const PolicyQuestion& question,
                          const std::vector<PolicyOutcome>& outcomes);
/// One JSON object, and a line break.
std::string outcomes_json(const std::vector<core::PolicyRule>& rules, const PolicyQuestion& question,
                          const std::vector<PolicyOutcome>& outcomes);

} // namespace anytick::control
