#pragma once

namespace CLI {
class App;
}

namespace anytick::control {

/// `anytick score prune` and `anytick score monitor`, below `anytick score`.
void add_score_prune(CLI::App& score);
void add_score_monitor(CLI::App& score);

} // namespace anytick::control
