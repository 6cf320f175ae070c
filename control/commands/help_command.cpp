#include "control/commands/help_command.h"

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <system_error>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "control/command.h"
#include "control/commands/command_tree.h"
#include "control/commands/completion.h"
#include "control/commands/man_page.h"

namespace anytick::control {
namespace {

void write_pages(const CommandNode& program, const std::string& version, const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) throw CommandFailure(exit_refused, directory + ": " + error.message());
  for (const ManPage& page : man_pages(program, version))
    write_file_atomically(directory + "/" + page.file, std::as_bytes(std::span(page.text)));
}

} // namespace

void add_help_commands(CLI::App& app, const std::string& version) {
  const auto shell = std::make_shared<std::string>();
  CLI::App* completion = app.add_subcommand("completion", "Print a script that completes commands and options");
  completion->add_option("SHELL", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  completion->footer("Example: . <(anytick completion bash)");
  completion->callback([&app, shell] { fmt::print("{}", *completion_script(command_tree(app), *shell)); });

  const auto directory = std::make_shared<std::string>();
  CLI::App* man = app.add_subcommand("man", "Write manual pages of all commands");
  man->add_option("DIRECTORY", *directory, "made where it is not there")->required();
  man->footer("Example: anytick man /usr/local/share/man/man1 && man anytick-pop");
  man->callback([&app, directory, version] { write_pages(command_tree(app), version, *directory); });
}

} // namespace anytick::control
