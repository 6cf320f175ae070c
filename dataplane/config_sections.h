#pragma once

#include "dataplane/config.h"
#include "dataplane/core/toml_reader.h"

/// Sections of pop.toml that have a file of their own. What is wrong becomes a fault.
namespace anytick::io {

/// A whole file, or why not: the system's error.
Result<std::string> read_text(const std::string& file);

/// [control_tls], whose files are looked at, too.
void read_control_tls(core::TomlReader& reader, core::Faults& faults, ControlTlsConfig& config);
/// [ntp], and the key file that it names.
void read_ntp(core::TomlReader& reader, core::Faults& faults, NtpConfig& config);
/// [clock]
void read_clock(core::TomlReader& reader, ClockConfig& config);

} // namespace anytick::io
