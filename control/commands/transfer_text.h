#pragma once

#include <string>

#include "control/registry/transfer_import.h"

/// What an import did, for people to read.
namespace anytick::control {

/// "server 192.0.2.1: set {"netspeed":1500} -> {"netspeed":3000}"
std::string change_text(const registry::AuditEntry& entry);

/// A line for each kind that the file had.
std::string report_text(const registry::transfer::ImportReport& report, bool dry_run);

} // namespace anytick::control
