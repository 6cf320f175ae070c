#include "control_run.h"

#include <algorithm>

#include <CLI/CLI.hpp>

namespace anytick::control::test {

Outcome run_command(std::vector<std::string> words, std::initializer_list<AddCommand> add) {
  CLI::App app;
  for (const AddCommand each : add) each(app);
  std::reverse(words.begin(), words.end()); // as CLI11 wants a vector
  Outcome outcome;
  testing::internal::CaptureStdout();
  try {
    app.parse(words);
  } catch (const CommandFailure& failure) {
    outcome.code = failure.exit_code;
    outcome.failure = failure.what();
  } catch (const CLI::ParseError& error) {
    outcome.code = exit_usage;
    outcome.failure = error.what();
  }
  outcome.output = testing::internal::GetCapturedStdout();
  return outcome;
}

} // namespace anytick::control::test
