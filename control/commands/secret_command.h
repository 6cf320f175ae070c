#pragma once

namespace CLI {
class App;
}

namespace anytick::control {

/// `anytick secret generate | rotate`: files of cookie secrets.
void add_secret_command(CLI::App& app);

} // namespace anytick::control
