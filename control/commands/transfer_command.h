#pragma once

namespace CLI {
class App;
}

namespace anytick::control {

/// `anytick registry import` and `anytick registry export`. They throw CommandFailure.
void add_transfer_command(CLI::App& app);

} // namespace anytick::control
