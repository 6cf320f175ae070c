#include "dataplane/core/snapshot.h"

#include <array>
#include <atomic>
#include <thread>

#include <gtest/gtest.h>

namespace anytick::core {
namespace {

using Value = std::array<uint64_t, 16>;

Value value_of(uint64_t number) {
  Value value;
  value.fill(number);
  return value;
}

TEST(Snapshot, IsZeroUntilStoredThenWhatWasStored) {
  Snapshot<Value> snapshot;
  Value value = value_of(7);
  ASSERT_TRUE(snapshot.load(value));
  EXPECT_EQ(value, Value{});
  const uint64_t before = snapshot.version();
  snapshot.store(value_of(9));
  EXPECT_NE(snapshot.version(), before);
  ASSERT_TRUE(snapshot.load(value));
  EXPECT_EQ(value, value_of(9));
}

TEST(Snapshot, IsNeverHalfOfTwo) {
  Snapshot<Value> snapshot;
  std::atomic<bool> done = false;
  std::thread writer([&] {
    for (uint64_t number = 1; !done; ++number) snapshot.store(value_of(number));
  });
  uint64_t last = 0;
  unsigned torn = 0;
  unsigned backwards = 0;
  for (unsigned loaded = 0; loaded < 100'000;) {
    Value value = value_of(UINT64_MAX);
    const uint64_t version = snapshot.version();
    if (!snapshot.load(value)) {
      EXPECT_EQ(value, value_of(UINT64_MAX)) << "left as it was";
      continue;
    }
    ++loaded;
    torn += value != value_of(value[0]);
    backwards += value[0] < last || version / 2 > value[0];
    last = value[0];
  }
  done = true;
  writer.join();
  EXPECT_EQ(torn, 0u);
  EXPECT_EQ(backwards, 0u);
}

} // namespace
} // namespace anytick::core
