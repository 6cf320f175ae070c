#pragma once

namespace CLI {
class App;
}

namespace anytick::control {

/// `anytick score`: replay and step without a database, the others on the hub's. They throw CommandFailure.
void add_score_command(CLI::App& app);

} // namespace anytick::control
