#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dataplane/core/policy.h"

/// Policies by the real compiler. Both throw std::runtime_error where the rules are not good.
namespace anytick::test {

std::unique_ptr<core::Policy> make_policy(const std::string& text);
std::unique_ptr<core::Policy> build_policy(const std::vector<core::PolicyRule>& rules, unsigned threads = 1,
                                           unsigned workers = 1);

} // namespace anytick::test
