#pragma once

#include <optional>
#include <string_view>

#include "control/plan/plan.h"
#include "control/selection/select.h"

namespace anytick::plan {

/// "in", "low_score": of files and messages.
std::string_view verdict_word(selection::Verdict verdict);
std::optional<selection::Verdict> verdict_by_word(std::string_view word);

/// "root_added"
std::string_view change_word(DataChange::Kind kind);
std::optional<DataChange::Kind> change_by_word(std::string_view word);

/// "ipv4", "ipv6".
std::string_view family_word(geo::Family family);
std::optional<geo::Family> family_by_word(std::string_view word);

} // namespace anytick::plan
