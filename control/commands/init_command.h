#pragma once

namespace CLI {
class App;
}

namespace anytick::control {

/// `anytick init`.
void add_init_command(CLI::App& app);

} // namespace anytick::control
