#include "dataplane/core/policy.h"

#include <hs/hs_runtime.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <set>

#include "dataplane/core/prefix_set.h"

namespace anytick::core {
namespace {

constexpr size_t word_bits = 64;

/// Countries as a set of two letters each.
class CountrySet {
 public:
  explicit CountrySet(const std::vector<std::array<char, 2>>& countries) : all_(countries.empty()) {
    for (const auto& country : countries) bits_[index_of(country) / word_bits] |= bit_of(index_of(country));
  }
  bool contains(const std::array<char, 2>& country) const {
    const unsigned index = index_of(country);
    return all_ || (index < letters * letters && (bits_[index / word_bits] & bit_of(index)) != 0);
  }

 private:
  static constexpr unsigned letters = 26;
  /// Beyond all codes where it is none: of a client that is nowhere, for one.
  static unsigned index_of(const std::array<char, 2>& country) {
    const auto first = static_cast<unsigned>(country[0] - 'a');
    const auto second = static_cast<unsigned>(country[1] - 'a');
    return first < letters && second < letters ? first * letters + second : letters * letters;
  }
  static uint64_t bit_of(unsigned index) { return uint64_t{1} << index % word_bits; }

  bool all_;
  std::array<uint64_t, (letters * letters + word_bits - 1) / word_bits> bits_{};
};

/// Types that rules ask for. Those with the same low bits pass, too: it only saves work.
class TypeFilter {
 public:
  void add(const PolicyRule& rule) {
    if (rule.qtypes.empty()) bits_.fill(~uint64_t{0});
    for (const uint16_t type : rule.qtypes) bits_[type % size / word_bits] |= uint64_t{1} << type % word_bits;
  }
  bool none() const { return bits_ == decltype(bits_){}; }
  bool may_have(uint16_t type) const { return (bits_[type % size / word_bits] >> type % word_bits & 1) != 0; }

 private:
  static constexpr size_t size = 512; // one cache line, and CAA is not A
  std::array<uint64_t, size / word_bits> bits_{};
};

struct DatabaseEnd {
  void operator()(hs_database* database) const { hs_free_database(database); }
};
struct ScratchEnd {
  void operator()(hs_scratch* scratch) const { hs_free_scratch(scratch); }
};
using Database = std::unique_ptr<hs_database, DatabaseEnd>;
using Scratch = std::unique_ptr<hs_scratch, ScratchEnd>;

Refusal refused(const char* reason) {
  return {"policy", "", reason};
}

/// Buckets of a source are told apart by the name of their rule, so that they outlive the policy. Those of answer
/// classes have small numbers.
uint32_t bucket_of(const std::string& name) {
  uint32_t hash = 2166136261u; // FNV-1a
  for (const char c : name) hash = (hash ^ static_cast<uint8_t>(c)) * 16777619u;
  return hash | 0x80000000u;
}

/// A rate that many share, which may be above Ticks: in 2^-40 s. Times of it wrap every 194 days, which does no harm.
struct FineRate {
  static constexpr unsigned ticks_shift = 16;
  static constexpr uint64_t second = ticks_per_second << ticks_shift;

  uint64_t interval = 0;
  uint64_t ahead = 0; ///< a second's worth, or one

  /// One of `workers` equal shares of it.
  static FineRate share_of(uint32_t per_second, unsigned workers) {
    const uint64_t interval = second * workers / per_second;
    return {interval, second > interval ? second - interval : 0};
  }

  /// Takes one from a bucket that is full again at `full` (ITU-T I.371). A time that no taking can have led to is long
  /// past.
  bool take(uint64_t& full, Ticks ticks) const {
    const uint64_t now = ticks << ticks_shift;
    uint64_t distance = full - now;
    if (distance > ahead + interval) distance = 0;
    if (distance > ahead) return false;
    full = now + distance + interval;
    return true;
  }
};

void increment(std::atomic<uint64_t>& count) {
  count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

/// Over a stream there is nothing to truncate.
PolicyVerdict verdict_of(PolicyAction action, bool udp) {
  switch (action) {
  case PolicyAction::drop:
    return PolicyVerdict::drop;
  case PolicyAction::refuse:
    return PolicyVerdict::refuse;
  case PolicyAction::truncate:
    return udp ? PolicyVerdict::truncate : PolicyVerdict::allow;
  default:
    return PolicyVerdict::allow;
  }
}

} // namespace

/// A rule's conditions as judge() asks them.
struct Policy::ReadyRule {
  explicit ReadyRule(const PolicyRule& rule)
      : action(rule.action), beyond(rule.beyond), per_source(rule.per_source), any_type(rule.qtypes.empty()),
        any_client(rule.clients.empty()), qtypes(rule.qtypes), clients(rule.clients), countries(rule.countries) {}

  /// All but `on` and the pattern.
  Step check(const PolicyQuery& query) const {
    if (!any_type && !std::ranges::binary_search(qtypes, query.qtype)) return Step::qtype;
    if (!any_client && !clients.contains(query.source)) return Step::client;
    if (!countries.contains(query.country)) return Step::country;
    return Step::matched;
  }

  /// "limit N/s per source".
  bool grants(const geo::Address& source, Limiter* limiter, Ticks now) const {
    return limiter == nullptr || limiter->take(limiter->source_of(source), bucket, source_rate, now);
  }

  PolicyAction action;
  PolicyAction beyond;
  bool per_source;
  bool any_type;
  bool any_client;
  uint32_t bucket = 0;
  Rate source_rate;
  FineRate rate;
  std::vector<uint16_t> qtypes;
  PrefixSet clients;
  CountrySet countries;
};

/// The rules that apply to hits, or to misses.
struct Policy::Side {
  TypeFilter types;            ///< of all of them
  TypeFilter scanned;          ///< of those with a pattern
  Database database;           ///< null where none has one
  std::vector<uint64_t> plain; ///< a bit for each rule: applies and has no pattern
};

/// A bit for each rule that may match, as far as patterns go.
struct Policy::Matches {
  std::array<uint64_t, PolicyBounds::rules / word_bits> words; // only the policy's are written and read

  bool has(size_t rule) const { return (words[rule / word_bits] >> rule % word_bits & 1) != 0; }

  static int add(unsigned rule, unsigned long long, unsigned long long, unsigned, void* self) {
    static_cast<Matches*>(self)->words[rule / word_bits] |= uint64_t{1} << rule % word_bits;
    return 0;
  }
};

/// What one thread writes. Rules that match often stand on cache lines of their own.
struct Policy::ThreadState {
  struct alignas(64) OfRule {
    RuleCount count;
    uint64_t full = 0; ///< when the bucket of "limit N/s" is full again, as FineRate has times
  };

  explicit ThreadState(size_t rules) : of_rules(rules) {}

  std::vector<OfRule> of_rules;
  Scratch scratch;
};

Policy::Policy() = default;
Policy::~Policy() = default;

const Policy::Side& Policy::side(const PolicyQuery& query) const {
  return sides_[query.miss ? 1 : 0];
}

void Policy::make_ready(unsigned workers) {
  std::set<uint32_t> buckets;
  for (const PolicyRule& rule : rules_) {
    ReadyRule& ready = ready_.emplace_back(rule);
    any_on_all_ |= rule.on_all;
    if (rule.action != PolicyAction::limit) continue;
    ready.rate = FineRate::share_of(rule.per_second, workers);
    ready.source_rate = Rate::of(rule.per_second, rule.per_second);
    ready.bucket = bucket_of(rule.name);
    while (rule.per_source && !buckets.insert(ready.bucket).second) ++ready.bucket;
  }
  for (Side& side : sides_) {
    const bool miss = &side == &sides_.back();
    side.plain.resize((rules_.size() + word_bits - 1) / word_bits);
    for (size_t i = 0; i < rules_.size(); ++i) {
      if (!miss && !rules_[i].on_all) continue;
      side.types.add(rules_[i]);
      if (rules_[i].pattern.empty())
        side.plain[i / word_bits] |= uint64_t{1} << i % word_bits;
      else
        side.scanned.add(rules_[i]);
    }
  }
}

Result<std::unique_ptr<Policy>> Policy::build(std::vector<PolicyRule> rules, const CompiledPatterns& compiled,
                                              unsigned threads, unsigned workers) {
  assert(rules.size() <= PolicyBounds::rules && workers > 0);
  std::unique_ptr<Policy> policy(new Policy);
  policy->rules_ = std::move(rules);
  policy->sides_.resize(2);
  policy->make_ready(workers);

  hs_scratch* largest = nullptr;
  bool enough = true;
  for (Side& side : policy->sides_) {
    const std::string& bytes = &side == &policy->sides_.back() ? compiled.misses : compiled.all;
    if (bytes.empty() != side.scanned.none()) return refused("patterns of other rules");
    if (bytes.empty()) continue;
    hs_database* database = nullptr;
    if (hs_deserialize_database(bytes.data(), bytes.size(), &database) != HS_SUCCESS)
      return refused("patterns that were not compiled by this Hyperscan for this CPU");
    side.database.reset(database);
    enough = enough && hs_alloc_scratch(database, &largest) == HS_SUCCESS;
  }
  const Scratch prototype(largest);
  for (unsigned i = 0; i < threads; ++i) {
    ThreadState& state = *policy->threads_.emplace_back(std::make_unique<ThreadState>(policy->rules_.size()));
    hs_scratch* scratch = nullptr;
    if (prototype != nullptr) enough = enough && hs_clone_scratch(prototype.get(), &scratch) == HS_SUCCESS;
    state.scratch.reset(scratch);
  }
  if (!enough) return refused("no memory for Hyperscan's scratch space");
  return policy;
}

void Policy::find_patterns(const Side& side, const PolicyQuery& query, ThreadState& mine, Matches& matches) const {
  std::ranges::copy(side.plain, matches.words.begin());
  if (!side.scanned.may_have(query.qtype)) return;
  std::array<char, name_text_max> text;
  const size_t length = write_name_text(query.name.suffix(0), text.data());
  const hs_error_t error = hs_scan(side.database.get(), text.data(), static_cast<unsigned>(length), 0,
                                   mine.scratch.get(), Matches::add, &matches);
  if (error == HS_SUCCESS) [[likely]]
    return;
  assert(error == HS_UNKNOWN_ERROR); // all others are misuse
  std::ranges::copy(side.plain, matches.words.begin());
}

PolicyVerdict Policy::judge(const PolicyQuery& query, unsigned thread, Limiter* limiter, Ticks now) const {
  const Side& applies = side(query);
  if (!applies.types.may_have(query.qtype)) return PolicyVerdict::allow;
  ThreadState& mine = *threads_[thread];
  Matches matches;
  find_patterns(applies, query, mine, matches);
  for (size_t word = 0; word < applies.plain.size(); ++word) {
    for (uint64_t bits = matches.words[word]; bits != 0; bits &= bits - 1) {
      const size_t index = word * word_bits + static_cast<size_t>(std::countr_zero(bits));
      const ReadyRule& rule = ready_[index];
      if (rule.check(query) != Step::matched) continue;
      ThreadState::OfRule& state = mine.of_rules[index];
      increment(state.count.matched);
      PolicyAction action = rule.action;
      if (action == PolicyAction::tag) continue;
      if (action == PolicyAction::limit) {
        if (rule.per_source ? rule.grants(query.source, limiter, now) : rule.rate.take(state.full, now)) continue;
        action = rule.beyond;
      }
      increment(state.count.decided);
      return verdict_of(action, query.udp);
    }
  }
  return PolicyVerdict::allow;
}

std::vector<Policy::Step> Policy::explain(const PolicyQuery& query, unsigned thread) const {
  Matches matches;
  find_patterns(side(query), query, *threads_[thread], matches);
  std::vector<Step> steps;
  for (size_t i = 0; i < ready_.size(); ++i) {
    Step step = ready_[i].check(query);
    if (!query.miss && !rules_[i].on_all)
      step = Step::on;
    else if (step == Step::matched && !matches.has(i))
      step = Step::pattern;
    steps.push_back(step);
  }
  return steps;
}

const RuleCount& Policy::count(unsigned thread, size_t rule) const {
  return threads_[thread]->of_rules[rule].count;
}

size_t Policy::memory_bytes() const {
  size_t bytes = ready_.capacity() * sizeof(ReadyRule) + rules_.capacity() * sizeof(PolicyRule);
  for (const ReadyRule& rule : ready_) bytes += rule.clients.memory_bytes();
  for (const Side& side : sides_) {
    size_t size = 0;
    if (side.database != nullptr && hs_database_size(side.database.get(), &size) == HS_SUCCESS) bytes += size;
  }
  for (const auto& thread : threads_) {
    size_t size = 0;
    if (thread->scratch != nullptr && hs_scratch_size(thread->scratch.get(), &size) == HS_SUCCESS) bytes += size;
    bytes += thread->of_rules.capacity() * sizeof(ThreadState::OfRule);
  }
  return bytes;
}

} // namespace anytick::core
