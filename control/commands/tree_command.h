#pragma once

namespace CLI {
class App;
}

namespace anytick::control {

/// `anytick tree list | add | set | remove`.
void add_tree_command(CLI::App& app);

} // namespace anytick::control
