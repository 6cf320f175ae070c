#include "tests/fuzz/transfer_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  anytick::test::check_transfer(data, size);
  return 0;
}
