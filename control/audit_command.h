#pragma once

#include <CLI/App.hpp>

namespace anytick::control {

/// `anytick audit`.
void add_audit_command(CLI::App& app);

} // namespace anytick::control
