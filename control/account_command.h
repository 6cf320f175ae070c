#pragma once

#include <CLI/App.hpp>

namespace anytick::control {

/// `anytick account add | list | show | rename | login | invite | accept | revoke`.
void add_account_command(CLI::App& app);

} // namespace anytick::control
