#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "control/commands/command_tree.h"

namespace anytick::control {

/// A script for "bash", "zsh" or "fish" that completes commands and options; where a value is due, files. Nothing for
/// another shell.
std::optional<std::string> completion_script(const CommandNode& program, std::string_view shell);

} // namespace anytick::control
