#pragma once

namespace CLI {
class App;
}

namespace anytick::control {

/// `anytick policy check|test`.
void add_policy_command(CLI::App& app);

} // namespace anytick::control
