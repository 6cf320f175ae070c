#include "dataplane/io/loaded_policy.h"

#include <string_view>
#include <unordered_map>
#include <utility>

namespace anytick::io {

LoadedPolicy::LoadedPolicy(TableMemory text, std::unique_ptr<const core::Policy> policy, unsigned threads,
                           TableInfo info, Signatures signatures)
    : text_(std::move(text)), policy_(std::move(policy)), threads_(threads), info_(info),
      signatures_(std::move(signatures)), inherited_(policy_->rules().size()) {}

std::vector<RuleTotal> LoadedPolicy::totals() const {
  const std::lock_guard lock(inheriting_);
  std::vector<RuleTotal> totals = previous_ == nullptr ? inherited_ : inherited_from(*previous_);
  for (size_t rule = 0; rule < totals.size(); ++rule) {
    for (unsigned thread = 0; thread < threads_; ++thread) {
      const core::RuleCount& count = policy_->count(thread, rule);
      totals[rule].matched += count.matched.load(std::memory_order_relaxed);
      totals[rule].decided += count.decided.load(std::memory_order_relaxed);
    }
  }
  return totals;
}

void LoadedPolicy::follow(std::shared_ptr<const LoadedPolicy> previous) {
  const std::lock_guard lock(inheriting_);
  previous_ = std::move(previous);
}

void LoadedPolicy::settle() {
  const std::lock_guard lock(inheriting_);
  if (previous_ != nullptr) inherited_ = inherited_from(*std::exchange(previous_, nullptr));
}

std::vector<RuleTotal> LoadedPolicy::inherited_from(const LoadedPolicy& previous) const {
  const std::vector<RuleTotal> theirs = previous.totals();
  std::unordered_map<std::string_view, RuleTotal> by_name;
  for (size_t rule = 0; rule < theirs.size(); ++rule) by_name[previous.policy_->rules()[rule].name] = theirs[rule];
  std::vector<RuleTotal> ours;
  for (const core::PolicyRule& rule : policy_->rules()) ours.push_back(by_name[rule.name]);
  return ours;
}

} // namespace anytick::io
