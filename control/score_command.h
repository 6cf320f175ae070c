#pragma once

namespace CLI {
class App;
}

namespace anytick::control {

/// `anytick score replay` and `anytick score step`. They throw CommandFailure.
void add_score_command(CLI::App& app);

} // namespace anytick::control
