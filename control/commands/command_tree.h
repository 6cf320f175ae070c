#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
} // namespace CLI

/// The program's commands and options as data, for what describes them: completion and manual pages.
namespace anytick::control {

struct CommandOption {
  std::vector<std::string> names; ///< "--pop", "-o"; or one without hyphens, which is positional
  std::string value;              ///< what it takes: "TEXT", "FILE"; "" for a flag
  std::string description;
  std::string preset;      ///< "" none
  std::string environment; ///< a variable that stands for it, "" none
  bool required = false;
  bool positional = false;
};

struct CommandNode {
  std::string path; ///< "zone compile"; "" for the program itself
  std::string description;
  std::string footer;
  std::vector<CommandOption> options;
  std::vector<CommandNode> commands; ///< in the order of --help
};

CommandNode command_tree(const CLI::App& app);

} // namespace anytick::control
