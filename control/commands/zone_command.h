#pragma once

namespace CLI {
class App;
}

namespace anytick::control {

/// `anytick zone compile | check | dump`.
void add_zone_command(CLI::App& app);

} // namespace anytick::control
