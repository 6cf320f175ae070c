#pragma once

namespace CLI {
class App;
}

namespace anytick::control {

/// `anytick audit`.
void add_audit_command(CLI::App& app);

} // namespace anytick::control
