#include "control/commands/command_tree.h"

#include <CLI/CLI.hpp>

namespace anytick::control {
namespace {

CommandOption read_option(const CLI::Option& option) {
  CommandOption read;
  for (const std::string& name : option.get_lnames()) read.names.push_back("--" + name);
  for (const std::string& name : option.get_snames()) read.names.push_back("-" + name);
  read.positional = read.names.empty();
  if (read.positional) read.names.push_back(option.get_name(true, false));
  if (option.get_items_expected_max() > 0) read.value = option.get_type_name();
  read.description = option.get_description();
  read.preset = option.get_default_str();
  read.environment = option.get_envname();
  read.required = option.get_required();
  return read;
}

CommandNode read_command(const CLI::App& app, const std::string& above) {
  CommandNode node;
  const std::string separator = above.empty() ? "" : " ";
  node.path = app.get_parent() == nullptr ? "" : above + separator + app.get_name();
  node.description = app.get_description();
  node.footer = app.get_footer();
  for (const CLI::Option* option : app.get_options())
    if (!option->get_group().empty()) node.options.push_back(read_option(*option));
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    if (!command->get_group().empty()) node.commands.push_back(read_command(*command, node.path));
  return node;
}

} // namespace

CommandNode command_tree(const CLI::App& app) {
  return read_command(app, "");
}

} // namespace anytick::control
