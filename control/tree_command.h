#pragma once

#include <CLI/App.hpp>

namespace anytick::control {

/// `anytick tree list | add | set | remove`.
void add_tree_command(CLI::App& app);

} // namespace anytick::control
