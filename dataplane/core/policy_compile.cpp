#include <hs/hs_compile.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include <fmt/format.h>

#include "dataplane/core/policy.h"

namespace anytick::core {
namespace {

struct DatabaseEnd {
  void operator()(hs_database* database) const { hs_free_database(database); }
};
struct ErrorEnd {
  void operator()(hs_compile_error* error) const { hs_free_compile_error(error); }
};
struct MallocEnd {
  void operator()(void* memory) const { std::free(memory); }
};

bool has_upper_case(const std::string& pattern) {
  return std::ranges::any_of(pattern, [](char c) { return c >= 'A' && c <= 'Z'; });
}

/// One report of a rule is all that is asked for. Names are folded, so that capitals would match nothing at all.
unsigned flags_of(const PolicyRule& rule) {
  return HS_FLAG_SINGLEMATCH | (has_upper_case(rule.pattern) ? HS_FLAG_CASELESS : 0);
}

bool matches_empty(const PolicyRule& rule) {
  hs_expr_info* found = nullptr;
  hs_compile_error* failed = nullptr;
  hs_expression_info(rule.pattern.c_str(), flags_of(rule), &found, &failed);
  const std::unique_ptr<hs_expr_info, MallocEnd> info(found);
  const std::unique_ptr<hs_compile_error, ErrorEnd> error(failed);
  return info != nullptr && info->min_width == 0;
}

Refusal refused(const PolicyRule& rule, const std::string& file, const std::string& reason) {
  return {file, fmt::format("line {}", rule.line), fmt::format("rule '{}': pattern: {}", rule.name, reason)};
}

/// The database of some rules with patterns, each known by its index among `rules`.
Result<std::string> compile(const std::vector<PolicyRule>& rules, const std::vector<unsigned>& chosen,
                            const std::string& file) {
  std::vector<const char*> expressions;
  std::vector<unsigned> flags;
  for (const unsigned index : chosen) {
    expressions.push_back(rules[index].pattern.c_str());
    flags.push_back(flags_of(rules[index]));
  }
  hs_database* compiled = nullptr;
  hs_compile_error* failed = nullptr;
  hs_compile_multi(expressions.data(), flags.data(), chosen.data(), static_cast<unsigned>(chosen.size()), HS_MODE_BLOCK,
                   nullptr, &compiled, &failed);
  const std::unique_ptr<hs_database, DatabaseEnd> database(compiled);
  const std::unique_ptr<hs_compile_error, ErrorEnd> error(failed);
  if (error != nullptr) {
    if (error->expression < 0) return Refusal{file, "", std::string("patterns: ") + error->message};
    return refused(rules[chosen[static_cast<size_t>(error->expression)]], file, error->message);
  }
  char* bytes = nullptr;
  size_t size = 0;
  if (hs_serialize_database(database.get(), &bytes, &size) != HS_SUCCESS)
    return Refusal{file, "", "patterns: no memory for what they were compiled to"};
  const std::unique_ptr<char, MallocEnd> serialized(bytes);
  return std::string(bytes, size);
}

} // namespace

Result<CompiledPatterns> compile_patterns(const std::vector<PolicyRule>& rules, const std::string& file) {
  std::vector<unsigned> misses;
  std::vector<unsigned> all;
  for (unsigned i = 0; i < rules.size(); ++i) {
    if (rules[i].pattern.empty()) continue;
    if (matches_empty(rules[i]))
      return refused(rules[i], file, "matches the empty string, which is no name; leave `pattern` out to match all");
    misses.push_back(i);
    if (rules[i].on_all) all.push_back(i);
  }
  CompiledPatterns compiled;
  if (!misses.empty()) {
    auto database = compile(rules, misses, file);
    if (!database) return database.refusal();
    compiled.misses = std::move(*database);
  }
  if (all.size() == misses.size()) {
    compiled.all = compiled.misses;
  } else if (!all.empty()) {
    auto database = compile(rules, all, file);
    if (!database) return database.refusal();
    compiled.all = std::move(*database);
  }
  return compiled;
}

} // namespace anytick::core
