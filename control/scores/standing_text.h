#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/scores/standing.h"

namespace anytick::scores {

/// Standing::recent as it is stored, exactly: "1700000000:1 540:19.5s 541:-10c-50" is a check by its time (s since
/// 1970, then s since the one before it) and its value; "s": it is stated, "c" and its cap. "" for none.
void write_recent(const std::vector<Check>& recent, std::string& text);

/// None where the text is no such.
std::optional<std::vector<Check>> read_recent(std::string_view text);

} // namespace anytick::scores
