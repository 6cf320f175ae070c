#include "tests/fuzz/frame_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  anytick::test::check_frame(data, size);
  return 0;
}
