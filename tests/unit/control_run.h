#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <gtest/gtest.h>

#include "control/command.h"

namespace anytick::control::test {

struct Outcome {
  int code = exit_done;
  std::string failure; ///< of CommandFailure
  std::string output;
};

/// `anytick ...` with these subcommands (add_zone_command ...), as the program runs it.
template <class... AddCommands> Outcome run_command(std::vector<std::string> words, AddCommands... add) {
  CLI::App app;
  (add(app), ...);
  std::reverse(words.begin(), words.end()); // as CLI11 wants a vector
  Outcome outcome;
  testing::internal::CaptureStdout();
  try {
    app.parse(words);
  } catch (const CommandFailure& failure) {
    outcome.code = failure.exit_code;
    outcome.failure = failure.what();
  }
  outcome.output = testing::internal::GetCapturedStdout();
  return outcome;
}

} // namespace anytick::control::test
