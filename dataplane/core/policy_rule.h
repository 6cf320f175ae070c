#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "geo/prefix.h"
#include "geo/refusal.h"

/// Query policy as the operator writes it: an ordered list of rules in TOML.
///
///     [[rule]]
///     name = "random-subdomains"          # unique; what counters are shown by
///     pattern = '^[0-9a-f]{12,}\.'        # regular expression of Hyperscan over the name; absent: any name
///     on = "miss"                         # default: names that no zone of ours has; "all": every query
///     qtypes = ["A", "AAAA", "TYPE65"]    # absent: all
///     clients = ["192.0.2.0/24"]          # by the address that the query came from; absent: all
///     countries = ["us", "fr"]            # by where the client is taken to be, its client subnet if it states one
///     action = "limit 10/s per source"
///     beyond = "refuse"                   # "limit" only: "drop" (default), "refuse" or "truncate"
///
/// A name is matched in lower-case presentation form (names.h: write_name_text) without the trailing dot; the root is
/// ".". Capitals of a pattern stand for both cases.
///
/// Rules are tried in order, and the first whose conditions all hold decides: allow, drop, refuse (REFUSED) or truncate
/// (TC=1 and no records, over UDP; over a stream it is allow). Two go on to the next rule: "tag NAME", which only
/// counts, and "limit" as long as its rate is not reached; beyond it, `beyond` decides. If no rule decides, the query
/// is allowed. "limit N/s" is for all that match together, "limit N/s per source" for each /24 or /56 of clients.
namespace anytick::core {

enum class PolicyAction : uint8_t { allow, drop, refuse, truncate, limit, tag };

struct PolicyRule {
  std::string name;
  std::string pattern;                        ///< "": any name
  bool on_all = false;                        ///< else on misses only
  std::vector<uint16_t> qtypes;               ///< sorted; empty: all
  std::vector<geo::Prefix> clients;           ///< sorted; empty: all
  std::vector<std::array<char, 2>> countries; ///< sorted; empty: all
  PolicyAction action = PolicyAction::allow;
  std::string tag;                          ///< PolicyAction::tag only
  uint32_t per_second = 0;                  ///< PolicyAction::limit only, at least 1
  bool per_source = false;                  ///< PolicyAction::limit only
  PolicyAction beyond = PolicyAction::drop; ///< PolicyAction::limit only: drop, refuse or truncate
  uint32_t line = 0;                        ///< where the file has it
};

struct PolicyBounds {
  static constexpr size_t text = size_t{1} << 20; ///< bytes
  static constexpr size_t rules = 4096;
  static constexpr size_t pattern = 512;  ///< bytes
  static constexpr size_t clients = 1024; ///< prefixes in a rule
  static constexpr size_t name = 63;      ///< bytes, of rules and tags: letters, digits, '-', '_' and '.'
  static constexpr uint32_t per_second = 10'000'000;
  static constexpr uint32_t per_source = 100'000; ///< a second: buckets of sources count in ticks
};

/// The rules of a file, or every reason why there are none: `what` is the file, `where` line and column.
struct ParsedPolicy {
  std::vector<PolicyRule> rules;
  std::vector<Refusal> faults;
};
ParsedPolicy parse_policy(std::string_view text, const std::string& file);

std::string_view action_text(PolicyAction action);
/// "limit 10/s per source, beyond: refuse".
std::string action_text(const PolicyRule& rule);

/// A rule that an earlier one leaves nothing to: what `earlier` decides is all that `rule` could match.
struct ShadowedRule {
  size_t rule;
  size_t earlier;
};
/// What can be told without comparing expressions: equal patterns, or none in the earlier rule. Indices.
std::vector<ShadowedRule> shadowed_rules(const std::vector<PolicyRule>& rules);

} // namespace anytick::core
