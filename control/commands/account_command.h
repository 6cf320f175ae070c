#pragma once

namespace CLI {
class App;
}

namespace anytick::control {

/// `anytick account add | list | show | rename | login | invite | accept | revoke`.
void add_account_command(CLI::App& app);

} // namespace anytick::control
