#pragma once

#include "control/commands/hub_options.h"

namespace anytick::control {

/// Whether a command that was told no POP is about those of a hub: its configuration is there, or was told.
bool has_hub(const HubOptions& options);

/// `anytick pop status` of all POPs of the registry. Fails with exit_incomplete where one does not run what is current.
void print_fleet_status(const HubOptions& options, bool json);

} // namespace anytick::control
