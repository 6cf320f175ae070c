#pragma once

namespace CLI {
class App;
}

namespace anytick::control {

/// `anytick score show` and `anytick score list`, below `anytick score`.
void add_score_show(CLI::App& score);
void add_score_list(CLI::App& score);

} // namespace anytick::control
