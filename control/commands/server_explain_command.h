#pragma once

namespace CLI {
class App;
}

namespace anytick::control {

/// `anytick server explain`, of the command `server`.
void add_server_explain(CLI::App& server);

} // namespace anytick::control
