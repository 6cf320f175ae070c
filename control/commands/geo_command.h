#pragma once

namespace CLI {
class App;
}

namespace anytick::control {

/// `anytick geo compile` and `anytick geo lookup`. They throw CommandFailure.
void add_geo_command(CLI::App& app);

} // namespace anytick::control
