#include "control/commands/completion.h"

#include <functional>

#include <fmt/format.h>

namespace anytick::control {
namespace {

void for_each_command(const CommandNode& node, const std::function<void(const CommandNode&)>& visit) {
  visit(node);
  for (const CommandNode& command : node.commands) for_each_command(command, visit);
}

/// Its last word.
std::string own_name(const CommandNode& command) {
  return command.path.substr(command.path.rfind(' ') + 1);
}

std::string words_of(const CommandNode& node) {
  std::string words;
  for (const CommandNode& command : node.commands) words += own_name(command) + " ";
  for (const CommandOption& option : node.options)
    if (!option.positional)
      for (const std::string& name : option.names) words += name + " ";
  if (!words.empty()) words.pop_back();
  return words;
}

/// The words before the cursor, as far as they are commands, are the path.
std::string bash_script(const CommandNode& program) {
  std::string paths, words, valued;
  for_each_command(program, [&](const CommandNode& node) {
    if (!node.path.empty()) paths += fmt::format("{}'{}'", paths.empty() ? "" : "|", node.path);
    words += fmt::format("    '{}') words='{}' ;;\n", node.path, words_of(node));
    for (const CommandOption& option : node.options)
      for (const std::string& name : option.names)
        if (!option.positional && !option.value.empty())
          valued += fmt::format("{}'{} {}'", valued.empty() ? "" : "|", node.path, name);
  });
  return fmt::format(R"(# bash completion of anytick: . <(anytick completion bash)
_anytick() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}} path='' word words=''
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case "${{path:+$path }}$word" in
    {}) path="${{path:+$path }}$word" ;;
    esac
  done
  case "$path $before" in
  {})
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
    return
    ;;
  esac
  case "$path" in
{}  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  [[ ${{#COMPREPLY[@]}} -gt 0 || $current == -* ]] || mapfile -t COMPREPLY < <(compgen -f -- "$current")
}}
complete -o filenames -F _anytick anytick
)",
                     paths, valued, words);
}

std::string single_quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return quoted + "'";
}

std::string fish_script(const CommandNode& program) {
  std::string paths, lines;
  for_each_command(program, [&](const CommandNode& node) {
    if (!node.path.empty()) paths += single_quoted(node.path) + " ";
    const std::string condition =
        fmt::format("complete -c anytick -n {}", single_quoted("__anytick_at " + single_quoted(node.path)));
    for (const CommandNode& command : node.commands)
      lines += fmt::format("{} -f -a {} -d {}\n", condition, own_name(command), single_quoted(command.description));
    for (const CommandOption& option : node.options) {
      if (option.positional) continue;
      std::string names;
      for (const std::string& name : option.names)
        names += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      lines += fmt::format("{}{}{} -d {}\n", condition, names, option.value.empty() ? "" : " -r",
                           single_quoted(option.description));
    }
  });
  return fmt::format(R"(# fish completion of anytick: anytick completion fish | source
function __anytick_at
    set -l path
    for word in (commandline -opc)[2..-1]
        set -l longer (string join ' ' $path $word)
        contains -- $longer {}; and set path (string split ' ' $longer)
    end
    test "$path" = "$argv"
end
{})",
                     paths, lines);
}

} // namespace

std::optional<std::string> completion_script(const CommandNode& program, std::string_view shell) {
  if (shell == "bash") return bash_script(program);
  if (shell == "zsh")
    return "# zsh completion of anytick: . <(anytick completion zsh)\nautoload -U +X bashcompinit && bashcompinit\n" +
           bash_script(program);
  if (shell == "fish") return fish_script(program);
  return std::nullopt;
}

} // namespace anytick::control
