#pragma once

namespace CLI {
class App;
}

namespace anytick::control {

/// `anytick root add | list | show | set | remove`.
void add_root_command(CLI::App& app);

} // namespace anytick::control
