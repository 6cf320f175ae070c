#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "control/registry/model.h"

/// The texts of the registry: as the database, JSON, CSV and the command line have them.
namespace anytick::registry {

std::string_view name_of(Role role);
std::string_view name_of(ServerState state);
std::string_view name_of(VendorState state);
std::string_view name_of(VendorClient client);
std::string_view name_of(VendorSink sink);
std::optional<Role> role_by_name(std::string_view name);
std::optional<ServerState> server_state_by_name(std::string_view name);
std::optional<VendorState> vendor_state_by_name(std::string_view name);
std::optional<VendorClient> vendor_client_by_name(std::string_view name);
std::optional<VendorSink> vendor_sink_by_name(std::string_view name);

/// "0, 512, 1500, ..." for messages and help.
std::string netspeed_choices();

/// [a-z0-9-], 1 to 63 of them, no hyphen first or last.
bool is_label(std::string_view text);

/// A label's own name: "europe" of "2.europe", "2" of "2". A pool gives each zone and vendor 0 to 3 below it.
std::string_view without_part(std::string_view label);

} // namespace anytick::registry
