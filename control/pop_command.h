#pragma once

#include <CLI/App.hpp>

namespace anytick::control {

/// `anytick pop push | status`.
void add_pop_command(CLI::App& app);

} // namespace anytick::control
