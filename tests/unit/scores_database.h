#pragma once

#include <string>

#include "control/store/database.h"

namespace anytick::scores::test {

/// All scores and history in a database, whatever ids they have there.
std::string dump(store::Database& database);

} // namespace anytick::scores::test
