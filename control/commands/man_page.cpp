#include "control/commands/man_page.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include <fmt/format.h>

namespace anytick::control {
namespace {

/// Text for man(7): nothing in it is a request or a special character. Hyphens are those that people type.
std::string escaped(std::string_view text) {
  std::string out;
  bool line_begins = true;
  for (const char c : text) {
    if (line_begins && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
    line_begins = c == '\n';
  }
  return out;
}

std::string upper_case(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::string page_name(const CommandNode& command) {
  std::string name = "anytick" + (command.path.empty() ? "" : "-" + command.path);
  std::ranges::replace(name, ' ', '-');
  return name;
}

std::string head(const CommandNode& command, const std::string& version) {
  const std::string name = page_name(command);
  return fmt::format(".TH {} 1 \"\" \"anytick {}\" \"anytick\"\n.SH NAME\n{} \\- {}\n", upper_case(escaped(name)),
                     escaped(version), escaped(name), escaped(command.description));
}

std::string usage(const CommandNode& command) {
  std::string text = ".B anytick" + (command.path.empty() ? "" : " " + escaped(command.path)) + "\n";
  const bool has_options = std::ranges::any_of(command.options, [](const auto& each) { return !each.positional; });
  if (has_options) text += ".RI [ options ]\n";
  for (const CommandOption& option : command.options)
    if (option.positional)
      text += option.required ? ".I " + escaped(option.names[0]) + "\n" : ".RI [ " + escaped(option.names[0]) + " ]\n";
  if (!command.commands.empty()) text += ".I command\n";
  return text;
}

std::string option_text(const CommandOption& option) {
  std::string text = ".TP\n.B " + escaped(joined(option.names));
  if (!option.value.empty() && !option.positional) text += " " + escaped(option.value);
  text += "\n" + escaped(option.description.empty() ? "See above." : option.description) + "\n";
  if (!option.preset.empty()) text += "Default: " + escaped(option.preset) + "\n";
  if (!option.environment.empty()) text += "Environment: " + escaped(option.environment) + "\n";
  if (option.required && !option.positional) text += "Must be given.\n";
  return text;
}

std::string options_text(const CommandNode& command) {
  std::string text;
  for (const CommandOption& option : command.options) text += option_text(option);
  return text;
}

std::string footer_text(const CommandNode& command) {
  return command.footer.empty() ? "" : ".PP\n.nf\n" + escaped(command.footer) + "\n.fi\n";
}

std::string subcommands_text(const CommandNode& command) {
  std::string text;
  for (const CommandNode& each : command.commands) {
    text += fmt::format(".SS \"anytick {}\"\n{}\n.PP\n{}{}{}", escaped(each.path), escaped(each.description),
                        usage(each), options_text(each), footer_text(each));
    text += subcommands_text(each);
  }
  return text;
}

std::string page_of(const CommandNode& command, const std::string& version) {
  std::string text = head(command, version) + ".SH SYNOPSIS\n" + usage(command);
  if (const std::string options = options_text(command); !options.empty()) text += ".SH OPTIONS\n" + options;
  text += footer_text(command);
  if (!command.commands.empty()) text += ".SH COMMANDS\n" + subcommands_text(command);
  return text + ".SH SEE ALSO\n.BR anytick (1)\n";
}

std::string program_page(const CommandNode& program, const std::string& version) {
  std::string text = head(program, version) + ".SH SYNOPSIS\n" + usage(program) + ".SH COMMANDS\n";
  for (const CommandNode& command : program.commands)
    text += fmt::format(".TP\n.BR {} (1)\n{}\n", escaped(page_name(command)), escaped(command.description));
  return text + ".SH OPTIONS\n" + options_text(program) + footer_text(program);
}

} // namespace

std::vector<ManPage> man_pages(const CommandNode& program, const std::string& version) {
  std::vector<ManPage> pages{{"anytick.1", program_page(program, version)}};
  for (const CommandNode& command : program.commands)
    pages.push_back({page_name(command) + ".1", page_of(command, version)});
  return pages;
}

} // namespace anytick::control
