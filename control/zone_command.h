#pragma once

#include <CLI/App.hpp>

namespace anytick::control {

/// `anytick zone compile | check | dump`.
void add_zone_command(CLI::App& app);

} // namespace anytick::control
