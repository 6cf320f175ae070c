#include "control/commands/secret_command.h"

#include <memory>
#include <span>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "control/command.h"
#include "control/commands/secrets.h"

namespace anytick::control {
namespace {

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

void run_generate(const std::string& file) {
  write_new_file(file, bytes_of(secrets_text(generate_secrets())), 0600);
  fmt::print("{}: one cookie secret\n", file);
}

void run_rotate(const std::string& file) {
  pop::v1::Secrets secrets = read_secrets_file(file);
  if (secrets.cookies_size() > 2)
    throw CommandFailure(exit_refused, file + ": has more than two secrets; drop those that no POP uses any more");
  const std::string step = rotate_secrets(secrets);
  write_file_atomically(file, bytes_of(secrets_text(secrets)), 0600);
  fmt::print("{}: {}\n", file, step);
}

} // namespace

void add_secret_command(CLI::App& app) {
  const auto file = std::make_shared<std::string>();
  CLI::App* secret = app.add_subcommand("secret", "Secrets that POPs of an address share: DNS cookies");
  secret->require_subcommand(1);

  CLI::App* generate = secret->add_subcommand("generate", "Make a file with one secret, for its owner only");
  generate->add_option("-o,--output", *file, "file to write; must not be there yet")->required();
  generate->callback([file] { run_generate(*file); });

  CLI::App* rotate = secret->add_subcommand("rotate", "Take the next step towards another secret; then push the file");
  rotate->add_option("FILE", *file, "secrets")->required();
  rotate->callback([file] { run_rotate(*file); });
}

} // namespace anytick::control
