#pragma once

namespace CLI {
class App;
}

namespace anytick::control {

/// `anytick push | confirm | rollback`, and `anytick hub resume`.
void add_rollout_commands(CLI::App& app);

} // namespace anytick::control
