#pragma once

#include <cstddef>
#include <span>

#include "dataplane/io/numa.h"
#include "geo/refusal.h"

namespace anytick::io {

/// The daemon's own copy of a table's bytes: 2 MiB aligned and on huge pages where the kernel has them, so that
/// workers' look-ups miss the TLB less often. Filled once, then frozen; nobody, not even ourselves, can change it after
/// validation.
class TableMemory {
 public:
  /// Reserves address space for `bytes`; pages are only taken as bytes are written, from the NUMA node if one is named
  /// and has any.
  static Result<TableMemory> reserve(size_t bytes, int node = any_node);

  TableMemory(TableMemory&& other) noexcept;
  TableMemory& operator=(TableMemory&& other) noexcept;
  ~TableMemory();

  /// Precondition: not frozen.
  std::span<std::byte> writable() { return {data_, size_}; }
  std::span<const std::byte> bytes() const { return {data_, size_}; }
  /// Makes the bytes read-only.
  Result<std::span<const std::byte>> freeze();

 private:
  TableMemory() = default;

  void* mapping_ = nullptr;
  size_t mapped_ = 0;
  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

} // namespace anytick::io
