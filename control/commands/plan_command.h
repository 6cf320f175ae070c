#pragma once

namespace CLI {
class App;
}

namespace anytick::control {

/// `anytick plan`: what would change if it were pushed now.
void add_plan_command(CLI::App& app);

} // namespace anytick::control
