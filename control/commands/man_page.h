#pragma once

#include <string>
#include <vector>

#include "control/commands/command_tree.h"

namespace anytick::control {

struct ManPage {
  std::string file; ///< "anytick-zone.1"
  std::string text; ///< man(7)
};

/// anytick(1), and a page for each of its commands with all that is below it.
std::vector<ManPage> man_pages(const CommandNode& program, const std::string& version);

} // namespace anytick::control
