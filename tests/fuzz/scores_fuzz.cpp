#include "tests/fuzz/scores_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  anytick::test::check_scores(data, size);
  return 0;
}
