#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "control/findings.h"
#include "control/zone.h"

namespace anytick::control {

/// Reads a GeoDNS zone file. The zone's origin is the file's name without directory and ".json". `modified` (seconds
/// since 1970) is the serial of a file that states none. All that is wrong with it is found in one run, check_zone()'s
/// part included; a zone comes back only if nothing is.
std::optional<Zone> read_geodns_zone(const std::string& file, std::string_view text, uint32_t modified,
                                     Findings& findings);

/// The same of a file on disk. Throws CommandFailure where it cannot be read.
std::optional<Zone> read_geodns_file(const std::string& path, Findings& findings);

} // namespace anytick::control
