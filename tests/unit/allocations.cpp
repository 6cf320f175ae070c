#include "tests/unit/allocations.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<uint64_t> count = 0;

void* counted(size_t size) {
  count.fetch_add(1, std::memory_order_relaxed);
  return std::malloc(size);
}

} // namespace

// Not inlined, so that compilers see pairs of new and delete, not of new and free().
[[gnu::noinline]] void* operator new(size_t size) {
  if (void* memory = counted(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(size_t size, const std::nothrow_t&) noexcept {
  return counted(size);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}

uint64_t anytick::test::allocations() {
  return count.load(std::memory_order_relaxed);
}
