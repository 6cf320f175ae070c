// Writes the rows of the packet tables as the fuzzers' first corpus: write_seeds FRAME_DIRECTORY QUERY_DIRECTORY

#include <cstdio>
#include <fstream>
#include <string>

#include "tests/packets/cases.h"

namespace {

void write(const std::string& path, const uint8_t* data, size_t size) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: write_seeds FRAME_DIRECTORY QUERY_DIRECTORY\n");
    return 2;
  }
  constexpr size_t payload_at = 14 + 20 + 8;
  size_t index = 0;
  for (const auto& row : anytick::test::all_cases()) {
    const std::string name = "/seed" + std::to_string(index++);
    write(argv[1] + name, row.frame.data(), row.frame.size());
    if (row.frame.size() > payload_at)
      write(argv[2] + name, row.frame.data() + payload_at, row.frame.size() - payload_at);
  }
}
