#pragma once

namespace CLI {
class App;
}

namespace anytick::control {

/// `anytick hub`.
void add_hub_command(CLI::App& app);

} // namespace anytick::control
