#pragma once

#include <string>
#include <string_view>

#include "dataplane/core/policy.h"

namespace anytick::io {

/// What the process that compiles a policy says of it, in the byte order of the machine: both ends are one program.
std::string write_outcome(const Result<core::CompiledPatterns>& outcome);
/// Refused as it was there, or because the bytes are no outcome.
Result<core::CompiledPatterns> read_outcome(std::string_view bytes);

/// Exit code of a process that ran out of memory and says nothing.
inline constexpr int exit_out_of_memory = 3;

} // namespace anytick::io
