#pragma once

namespace CLI {
class App;
}

namespace anytick::control {

/// `anytick vendor add | list | show | set | submit | approve | reject | suspend | resume | remove`.
void add_vendor_command(CLI::App& app);

} // namespace anytick::control
