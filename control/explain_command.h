#pragma once

#include <CLI/App.hpp>

namespace anytick::control {

/// `anytick zone explain`. Precondition: `app` has its zone command.
void add_explain_command(CLI::App& app);

} // namespace anytick::control
