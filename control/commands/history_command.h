#pragma once

namespace CLI {
class App;
}

namespace anytick::control {

/// `anytick history`: what was pushed, by whom, and what became of it.
void add_history_command(CLI::App& app);

} // namespace anytick::control
