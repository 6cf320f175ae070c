#pragma once

#include <maxminddb.h>

#include "geo/location.h"
#include "geo/refusal.h"

namespace anytick::geo {

/// What one data record of a MaxMind DB states (see read_mmdb()); unknown fields are not stated.
/// A refusal says where in the data section the record lies, not in which file.
Result<Location> read_mmdb_record(MMDB_entry_s entry);

} // namespace anytick::geo
