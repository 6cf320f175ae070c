#pragma once

#include <CLI/App.hpp>

namespace anytick::control {

/// `anytick push | confirm | rollback`, and `anytick hub resume`.
void add_rollout_commands(CLI::App& app);

} // namespace anytick::control
