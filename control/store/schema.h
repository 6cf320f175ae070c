#pragma once

#include <optional>

#include <soci/soci.h>

#include "geo/refusal.h"

namespace anytick::store {

/// The schema's version that this program works with.
int schema_version();

/// Of the database; 0: it has none. Within any transaction.
int schema_version_of(soci::session& sql);

/// Applies what is missing of the migrations, within the transaction around it. Refused: a schema newer than
/// schema_version(). Each migration is applied once and never changed after it was released.
std::optional<Refusal> migrate(soci::session& sql);

} // namespace anytick::store
