#include "tests/packets/policies.h"

#include <stdexcept>

namespace anytick::test {

std::unique_ptr<core::Policy> make_policy(const std::string& text) {
  const core::ParsedPolicy parsed = core::parse_policy(text, "policy.toml");
  if (!parsed.faults.empty()) throw std::runtime_error(parsed.faults.front().text());
  return build_policy(parsed.rules);
}

std::unique_ptr<core::Policy> build_policy(const std::vector<core::PolicyRule>& rules, unsigned threads,
                                           unsigned workers) {
  const auto compiled = core::compile_patterns(rules, "policy.toml");
  if (!compiled) throw std::runtime_error(compiled.refusal().text());
  auto policy = core::Policy::build(rules, *compiled, threads, workers);
  if (!policy) throw std::runtime_error(policy.refusal().text());
  return std::move(*policy);
}

} // namespace anytick::test
