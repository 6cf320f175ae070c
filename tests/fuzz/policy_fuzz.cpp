#include "tests/fuzz/policy_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  anytick::test::check_policy(data, size);
  return 0;
}
