#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace anytick::test {

/// The address of a cache line.
using CacheLine = uintptr_t;
inline constexpr size_t cache_line_bytes = 64;

/// Which cache lines of this process's memory became others from one look at it to the next: exact, where
/// nobody else writes meanwhile, but for what is written as it was. The stack of the thread that looks is left out, and
/// so is memory that is mapped later.
class MemoryWrites {
 public:
  /// Takes the memory for so many looks.
  explicit MemoryWrites(size_t looks);
  MemoryWrites(const MemoryWrites&) = delete;
  MemoryWrites& operator=(const MemoryWrites&) = delete;
  ~MemoryWrites();

  /// Allocates nothing.
  void look();
  /// Lines that differ between the look of this number and the next.
  std::set<CacheLine> written_after(size_t look) const;
  /// Where a line is, for people.
  static std::string place_of(CacheLine line);

  /// Whether this build's allocator is the one that the daemon has.
  static bool is_possible();

 private:
  struct Range {
    const std::byte* start;
    size_t size;
    size_t at; ///< in each copy
  };

  std::vector<Range> ranges_;
  size_t size_ = 0;
  size_t looks_;
  size_t looked_ = 0;
  std::byte* copies_ = nullptr;
};

} // namespace anytick::test
