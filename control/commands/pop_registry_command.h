#pragma once

namespace CLI {
class App;
}

namespace anytick::control {

/// `anytick pop add | list | set | remove`: which POPs there are.
void add_pop_registry_commands(CLI::App& pop);

} // namespace anytick::control
