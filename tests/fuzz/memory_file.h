#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace anytick::test {

/// Ends the fuzzer with a finding.
inline void require(bool condition, const char* property) {
  if (condition) return;
  std::fprintf(stderr, "broken: %s\n", property);
  std::abort();
}

/// A file in memory that has a path.
class MemoryFile {
 public:
  MemoryFile(const void* data, size_t size) : fd_(::memfd_create("fuzzed", MFD_CLOEXEC)) {
    require(fd_ >= 0 && ::write(fd_, data, size) == static_cast<ssize_t>(size), "there is memory");
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { ::close(fd_); }

  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

} // namespace anytick::test
