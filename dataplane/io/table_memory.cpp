#include "dataplane/io/table_memory.h"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <sys/mman.h>

namespace anytick::io {
namespace {

constexpr size_t huge_page = size_t{2} << 20;

constexpr size_t round_up(size_t value, size_t unit) {
  return (value + unit - 1) / unit * unit;
}

} // namespace

Result<TableMemory> TableMemory::reserve(size_t bytes, int node) {
  const size_t size = round_up(bytes, huge_page);
  // mmap() aligns to small pages only: the surplus leaves room for an aligned start.
  void* mapping = mmap(nullptr, size + huge_page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED)
    return Refusal{"table memory", "", fmt::format("{} bytes: {}", bytes, std::strerror(errno))};
  TableMemory memory;
  memory.mapping_ = mapping;
  memory.mapped_ = size + huge_page;
  const size_t skip = round_up(reinterpret_cast<uintptr_t>(mapping), huge_page) - reinterpret_cast<uintptr_t>(mapping);
  memory.data_ = static_cast<std::byte*>(mapping) + skip;
  memory.size_ = bytes;
  prefer_node({memory.data_, size}, node);
  // A wish: a kernel without transparent huge pages serves from small ones.
  madvise(memory.data_, size, MADV_HUGEPAGE);
  return memory;
}

TableMemory::TableMemory(TableMemory&& other) noexcept
    : mapping_(std::exchange(other.mapping_, nullptr)), mapped_(std::exchange(other.mapped_, 0)),
      data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

TableMemory& TableMemory::operator=(TableMemory&& other) noexcept {
  std::swap(mapping_, other.mapping_);
  std::swap(mapped_, other.mapped_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

TableMemory::~TableMemory() {
  if (mapping_ != nullptr) munmap(mapping_, mapped_);
}

Result<std::span<const std::byte>> TableMemory::freeze() {
  // Every page was written, hence is present: workers never fault.
  if (mprotect(mapping_, mapped_, PROT_READ) != 0) return Refusal{"table memory", "", std::strerror(errno)};
  return bytes();
}

} // namespace anytick::io
