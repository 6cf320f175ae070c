#pragma once

#include <string>

#include "geo/layer.h"
#include "geo/refusal.h"

namespace anytick::geo {

/// Everything a MaxMind DB file states about locations. Read from each record, whichever is there:
///
///     country.iso_code or registered_country.iso_code, continent.code, subdivisions[0].iso_code,
///     autonomous_system_number; flat: country_code, continent_code, asn (a number or its decimal text)
///
/// A country without a continent gets the one that continent_of() knows; codes that are no country state none, save
/// that "EU" and "AP" state a continent. In a combined file IPv4 is what lies under ::/96; that block and aliases of it
/// (::ffff:0:0/96, 2002::/16 ...) state nothing about IPv6.
/// Refuses what is not readable, is corrupt, or states nothing at all; bounded work whatever the file.
Result<Layer> read_mmdb(const std::string& path);

} // namespace anytick::geo
