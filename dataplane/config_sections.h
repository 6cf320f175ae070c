#pragma once

#include "dataplane/config.h"
#include "dataplane/core/toml_reader.h"

/// Sections of pop.toml that have a file of their own. What is wrong becomes a fault.
namespace anytick::io {

/// [clock]
void read_clock(core::TomlReader& reader, ClockConfig& config);

} // namespace anytick::io
