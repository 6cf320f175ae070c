#pragma once

#include <soci/soci.h>

#include "control/registry/model.h"

namespace anytick::registry {

/// Within a transaction, one that only reads.
Snapshot read_snapshot(soci::session& sql);

} // namespace anytick::registry
