#pragma once

namespace CLI {
class App;
}

namespace anytick::control {

/// `anytick server add | list | show | explain | set | verify | schedule-deletion | keep | remove | move`.
void add_server_command(CLI::App& app);

} // namespace anytick::control
