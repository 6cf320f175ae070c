#include "control/plan/plan_words.h"

#include <algorithm>
#include <array>
#include <span>

namespace anytick::plan {
namespace {

constexpr std::array<std::string_view, 7> verdict_words{
    "in", "unverified", "monitoring", "leaving", "no_score", "low_score", "recovering",
};

constexpr std::array<std::string_view, 7> change_words{
    "root_added", "root_removed", "root_changed", "zone_names", "rules", "query_policy", "other",
};

/// Words stand in the order of the enumeration.
template <class Enum> std::optional<Enum> by_word(std::span<const std::string_view> words, std::string_view word) {
  const auto found = std::ranges::find(words, word);
  if (found == words.end()) return {};
  return static_cast<Enum>(found - words.begin());
}

} // namespace

std::string_view verdict_word(selection::Verdict verdict) {
  return verdict_words[static_cast<size_t>(verdict)];
}

std::optional<selection::Verdict> verdict_by_word(std::string_view word) {
  return by_word<selection::Verdict>(verdict_words, word);
}

std::string_view change_word(DataChange::Kind kind) {
  return change_words[static_cast<size_t>(kind)];
}

std::optional<DataChange::Kind> change_by_word(std::string_view word) {
  return by_word<DataChange::Kind>(change_words, word);
}

std::string_view family_word(geo::Family family) {
  return family == geo::Family::ipv4 ? "ipv4" : "ipv6";
}

std::optional<geo::Family> family_by_word(std::string_view word) {
  if (word == "ipv4") return geo::Family::ipv4;
  if (word == "ipv6") return geo::Family::ipv6;
  return {};
}

} // namespace anytick::plan
