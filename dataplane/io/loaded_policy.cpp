#include "dataplane/io/loaded_policy.h"

#include <string_view>
#include <unordered_map>
#include <utility>

namespace anytick::io {
namespace {

/// Rule by rule.
void add(std::vector<RuleTotal>& totals, const std::vector<RuleTotal>& more) {
  for (size_t rule = 0; rule < totals.size(); ++rule) {
    totals[rule].matched += more[rule].matched;
    totals[rule].decided += more[rule].decided;
  }
}

} // namespace

LoadedPolicy::LoadedPolicy(TableMemory text, std::unique_ptr<const core::Policy> policy, unsigned threads,
                           TableInfo info, Signatures signatures)
    : text_(std::move(text)), policy_(std::move(policy)), threads_(threads), info_(info),
      signatures_(std::move(signatures)), inherited_(policy_->rules().size()) {}

std::vector<RuleTotal> LoadedPolicy::totals() const {
  const std::lock_guard lock(inheriting_);
  std::vector<RuleTotal> totals = inherited_now();
  add(totals, own());
  return totals;
}

void LoadedPolicy::follow(std::shared_ptr<const LoadedPolicy> previous) {
  const std::lock_guard lock(inheriting_);
  previous_ = std::move(previous);
}

void LoadedPolicy::resume(std::shared_ptr<const LoadedPolicy> successor) {
  const std::lock_guard lock(inheriting_);
  successor_ = std::move(successor);
}

void LoadedPolicy::settle() {
  const std::lock_guard lock(inheriting_);
  inherited_ = inherited_now();
  previous_.reset();
  successor_.reset();
}

/// What a successor inherited came from here, so that only its own counts are new.
std::vector<RuleTotal> LoadedPolicy::inherited_now() const {
  std::vector<RuleTotal> inherited = previous_ == nullptr ? inherited_ : by_our_names(*previous_, previous_->totals());
  if (successor_ != nullptr) add(inherited, by_our_names(*successor_, successor_->own()));
  return inherited;
}

std::vector<RuleTotal> LoadedPolicy::own() const {
  std::vector<RuleTotal> counted(policy_->rules().size());
  for (size_t rule = 0; rule < counted.size(); ++rule) {
    for (unsigned thread = 0; thread < threads_; ++thread) {
      const core::RuleCount& count = policy_->count(thread, rule);
      counted[rule].matched += count.matched.load(std::memory_order_relaxed);
      counted[rule].decided += count.decided.load(std::memory_order_relaxed);
    }
  }
  return counted;
}

std::vector<RuleTotal> LoadedPolicy::by_our_names(const LoadedPolicy& other,
                                                  const std::vector<RuleTotal>& theirs) const {
  std::unordered_map<std::string_view, RuleTotal> by_name;
  for (size_t rule = 0; rule < theirs.size(); ++rule) by_name[other.policy_->rules()[rule].name] = theirs[rule];
  std::vector<RuleTotal> ours;
  for (const core::PolicyRule& rule : policy_->rules()) ours.push_back(by_name[rule.name]);
  return ours;
}

} // namespace anytick::io
