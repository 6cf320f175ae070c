#pragma once

namespace CLI {
class App;
}

namespace anytick::control {

/// `anytick zone explain`. Precondition: `app` has its zone command.
void add_explain_command(CLI::App& app);

} // namespace anytick::control
