#pragma once

namespace CLI {
class App;
}

namespace anytick::control {

/// `anytick pop push | confirm | revert | status`, and what pop_registry_command.h adds.
void add_pop_command(CLI::App& app);

} // namespace anytick::control
