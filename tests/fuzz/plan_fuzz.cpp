#include "tests/fuzz/plan_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  anytick::test::check_plan(data, size);
  return 0;
}
