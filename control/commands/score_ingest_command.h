#pragma once

namespace CLI {
class App;
}

namespace anytick::control {

/// `anytick score ingest`, below `anytick score`.
void add_score_ingest(CLI::App& score);

} // namespace anytick::control
