#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "control/command.h"

namespace CLI {
class App;
}

namespace anytick::control::test {

struct Outcome {
  int code = exit_done;
  std::string failure; ///< of CommandFailure, or what is wrong with the usage
  std::string output;
};

using AddCommand = void (*)(CLI::App&);

/// `anytick ...` with these subcommands (add_zone_command ...), as the program runs it.
Outcome run_command(std::vector<std::string> words, std::initializer_list<AddCommand> add);

template <class... AddCommands> Outcome run_command(std::vector<std::string> words, AddCommands... add) {
  return run_command(std::move(words), {static_cast<AddCommand>(add)...});
}

} // namespace anytick::control::test
