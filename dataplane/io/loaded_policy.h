#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "dataplane/core/policy.h"
#include "dataplane/io/table_kind.h"
#include "dataplane/io/table_memory.h"

namespace anytick::io {

/// What a rule counted in all threads, and those of its name in the policies that it replaced or came back after.
struct RuleTotal {
  uint64_t matched = 0;
  uint64_t decided = 0;
};

/// A policy that runs or ran, and the text that it was compiled from. Immutable but for the counts.
class LoadedPolicy {
 public:
  /// `policy` is of the text and for `threads` threads.
  LoadedPolicy(TableMemory text, std::unique_ptr<const core::Policy> policy, unsigned threads, TableInfo info,
               Signatures signatures);
  LoadedPolicy(const LoadedPolicy&) = delete;
  LoadedPolicy& operator=(const LoadedPolicy&) = delete;

  std::span<const std::byte> text() const { return text_.bytes(); }
  const core::Policy& policy() const { return *policy_; }
  const TableInfo& info() const { return info_; }
  const Signatures& signatures() const { return signatures_; } ///< the one that counted, where keys are trusted

  /// Of each rule, in order. Any thread.
  std::vector<RuleTotal> totals() const;

  /// What rules of `previous` counted, and until settle() still count, goes on in ours of the same name. Null: nothing.
  void follow(std::shared_ptr<const LoadedPolicy> previous);
  /// This policy runs again after `successor`, which had followed it: what that one's rules have counted since, and
  /// until settle() still count, goes on in ours of the same name.
  void resume(std::shared_ptr<const LoadedPolicy> successor);
  /// No thread counts for the other policy any more: lets go of it.
  void settle();

 private:
  std::vector<RuleTotal> inherited_now() const;
  std::vector<RuleTotal> own() const;
  std::vector<RuleTotal> by_our_names(const LoadedPolicy& other, const std::vector<RuleTotal>& theirs) const;

  TableMemory text_;
  std::unique_ptr<const core::Policy> policy_;
  unsigned threads_;
  TableInfo info_;
  Signatures signatures_;

  mutable std::mutex inheriting_; ///< guards what follows, so that no total is ever less than it was
  std::shared_ptr<const LoadedPolicy> previous_;
  std::shared_ptr<const LoadedPolicy> successor_;
  std::vector<RuleTotal> inherited_; ///< of each rule
};

} // namespace anytick::io
