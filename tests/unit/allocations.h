#pragma once

#include <cstdint>

namespace anytick::test {

/// How often the program, all of its threads, has called operator new. Linked in, it replaces that operator.
uint64_t allocations();

} // namespace anytick::test
