#pragma once

namespace CLI {
class App;
}

namespace anytick::control {

/// `anytick key generate | show | sign | verify`: keys that sign tables, and their signatures.
void add_key_command(CLI::App& app);

} // namespace anytick::control
