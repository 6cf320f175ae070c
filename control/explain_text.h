#pragma once

#include <cstddef>
#include <string>

#include "control/explain.h"

namespace anytick::control {

/// An explanation for people; of each RRset the `top` likeliest records, 0 for all.
std::string explanation_text(const Explanation& explanation, size_t top);

/// All of an explanation as one JSON object.
std::string explanation_json(const Explanation& explanation);

} // namespace anytick::control
