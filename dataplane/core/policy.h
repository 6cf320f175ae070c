#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dataplane/core/limit.h"
#include "dataplane/core/names.h"
#include "dataplane/core/policy_rule.h"
#include "geo/prefix.h"

namespace anytick::core {

/// What policy looks at.
struct PolicyQuery {
  const FoldedName& name;
  uint16_t qtype;
  bool miss; ///< no zone of ours has the name, nor a wildcard or delegation for it
  bool udp;
  const geo::Address& source;  ///< that the query came from
  std::array<char, 2> country; ///< lower case, zero where unknown
};

enum class PolicyVerdict : uint8_t { allow, drop, refuse, truncate };

/// How often a rule matched, and of these, how often it decided. One thread writes, any thread reads.
struct RuleCount {
  std::atomic<uint64_t> matched{0};
  std::atomic<uint64_t> decided{0};
};

/// The patterns of a policy, compiled: two Hyperscan databases, one for misses and one for hits, serialized.
/// They are bound to this machine's CPU and cannot be validated: never from a stranger.
struct CompiledPatterns {
  std::string misses; ///< of all rules with a pattern; empty: there are none
  std::string all;    ///< of those with on = "all", for hits; empty: there are none
};

/// Compiles the patterns of rules. Refused, naming the rule's line: what Hyperscan cannot take, and what matches the
/// empty string. Takes as long and as much memory as the patterns make it: for strangers' rules, in a process that can
/// be ended.
Result<CompiledPatterns> compile_patterns(const std::vector<PolicyRule>& rules, const std::string& file);

/// Rules ready to judge. Immutable but for what each thread has of its own; any number of threads, each with its index.
class Policy {
 public:
  /// For `threads` threads; a "limit N/s" is shared out evenly by `workers` of them, and each other has a share of the
  /// same size. `compiled` is of the same rules. Allocates.
  static Result<std::unique_ptr<Policy>> build(std::vector<PolicyRule> rules, const CompiledPatterns& compiled,
                                               unsigned threads, unsigned workers);
  Policy(const Policy&) = delete;
  Policy& operator=(const Policy&) = delete;
  ~Policy();

  /// Whether a query is looked at at all: those that hit a name only if rules ask for it.
  bool looks_at(bool miss) const { return miss ? !rules_.empty() : any_on_all_; }
  /// O(bytes of the name + rules that match or have no pattern), no allocation. A name is not looked at where no rule
  /// that may apply to the type has a pattern. `limiter` holds the buckets of "per source" rules; null: they grant
  /// everything. Each thread has its own index.
  PolicyVerdict judge(const PolicyQuery& query, unsigned thread, Limiter* limiter, Ticks now) const;

  /// The first condition of a rule that did not hold, or that it matched.
  enum class Step : uint8_t { matched, on, qtype, client, country, pattern };
  /// What judge() makes of each rule, in order. Counts nothing, takes from no bucket. For people; allocates. With the
  /// index of a thread that judges meanwhile it must not be called.
  std::vector<Step> explain(const PolicyQuery& query, unsigned thread) const;

  const std::vector<PolicyRule>& rules() const { return rules_; }
  const RuleCount& count(unsigned thread, size_t rule) const;
  size_t memory_bytes() const;

 private:
  struct Matches;
  struct ReadyRule;
  struct Side;
  struct ThreadState;

  Policy();
  const Side& side(const PolicyQuery& query) const;
  void make_ready(unsigned workers);
  void find_patterns(const Side& side, const PolicyQuery& query, ThreadState& mine, Matches& matches) const;

  std::vector<PolicyRule> rules_;
  bool any_on_all_ = false;
  std::vector<ReadyRule> ready_; ///< of rules_
  std::vector<Side> sides_;      ///< of hits, then of misses
  std::vector<std::unique_ptr<ThreadState>> threads_;
};

} // namespace anytick::core
