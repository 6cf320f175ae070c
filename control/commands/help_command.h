#pragma once

#include <string>

namespace CLI {
class App;
}

namespace anytick::control {

/// `anytick completion` and `anytick man`, of all commands that the app has when they run.
void add_help_commands(CLI::App& app, const std::string& version);

} // namespace anytick::control
