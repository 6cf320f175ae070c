#include "tests/unit/memory_writes.h"

#include <cstdio>
#include <cstring>
#include <fstream>
#include <new>
#include <sstream>

#include <sys/mman.h>

namespace anytick::test {
namespace {

struct Mapping {
  uintptr_t start = 0, end = 0;
  std::string permissions, name;
};

std::vector<Mapping> mappings() {
  std::vector<Mapping> list;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream words(line);
    Mapping mapping;
    char dash = 0;
    std::string offset, device, inode;
    words >> std::hex >> mapping.start >> dash >> mapping.end >> mapping.permissions >> offset >> device >> inode;
    std::getline(words >> std::ws, mapping.name);
    list.push_back(mapping);
  }
  return list;
}

} // namespace

MemoryWrites::MemoryWrites(size_t looks) : looks_(looks) {
  for (const Mapping& mapping : mappings()) {
    if (!mapping.permissions.starts_with("rw") || mapping.name == "[stack]") continue;
    ranges_.push_back({reinterpret_cast<const std::byte*>(mapping.start), mapping.end - mapping.start, size_});
    size_ += mapping.end - mapping.start;
  }
  void* memory = mmap(nullptr, size_ * looks, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  copies_ = static_cast<std::byte*>(memory);
}

MemoryWrites::~MemoryWrites() {
  munmap(copies_, size_ * looks_);
}

void MemoryWrites::look() {
  std::byte* copy = copies_ + looked_++ * size_;
  for (const Range& range : ranges_) std::memcpy(copy + range.at, range.start, range.size);
}

std::set<CacheLine> MemoryWrites::written_after(size_t look) const {
  std::set<CacheLine> lines;
  const std::byte* before = copies_ + look * size_;
  const std::byte* after = before + size_;
  for (const Range& range : ranges_)
    for (size_t at = 0; at < range.size; at += cache_line_bytes)
      if (std::memcmp(before + range.at + at, after + range.at + at, cache_line_bytes) != 0)
        lines.insert(reinterpret_cast<CacheLine>(range.start + at));
  return lines;
}

std::string MemoryWrites::place_of(CacheLine line) {
  char text[64];
  for (const Mapping& mapping : mappings()) {
    if (line < mapping.start || line >= mapping.end) continue;
    std::snprintf(text, sizeof(text), "%#lx, %#lx from the start of ", line, line - mapping.start);
    return text + (mapping.name.empty() ? std::string("anonymous memory") : mapping.name);
  }
  std::snprintf(text, sizeof(text), "%#lx", line);
  return text;
}

bool MemoryWrites::is_possible() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  return false;
#else
  return true;
#endif
#else
  return true;
#endif
}

} // namespace anytick::test
