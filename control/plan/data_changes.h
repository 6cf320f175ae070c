#pragma once

#include "control/plan/make_plan.h"

namespace anytick::plan {

/// Notes in a plan, which was made of these sources, what it answers with beside servers, and how that is another than
/// its base's. `is_as_base`: but for serial and time, its image is the base's.
void note_data(Plan& plan, const Sources& sources, bool is_as_base);

} // namespace anytick::plan
