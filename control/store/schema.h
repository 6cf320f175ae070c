#pragma once

#include <optional>

#include <soci/soci.h>

#include "geo/refusal.h"

namespace anytick::store {

/// The schema's version that this program works with.
int schema_version();

/// Applies what is missing of the migrations, within the transaction around it. Refused: a schema newer than
/// schema_version(). Each migration is applied once and never changed after it was released.
std::optional<Refusal> migrate(soci::session& sql);

} // namespace anytick::store
