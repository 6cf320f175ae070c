// Writes the fuzzers' first corpus, the rows of the packet tables, some policies, feeds of scores, plans and files
// of the registry, to directories that are there: write_seeds FRAME QUERY POLICY POLICY_NAME SCORES PLAN TRANSFER

#include <cstdio>
#include <fstream>
#include <string>

#include "tests/fuzz/plan_target.h"
#include "tests/fuzz/policy_target.h"
#include "tests/fuzz/scores_target.h"
#include "tests/fuzz/transfer_target.h"
#include "tests/packets/cases.h"

namespace {

void write(const std::string& path, const uint8_t* data, size_t size) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
}

void write_all(const std::string& directory, const std::vector<anytick::test::Bytes>& seeds) {
  for (size_t i = 0; i < seeds.size(); ++i)
    write(directory + "/seed" + std::to_string(i), seeds[i].data(), seeds[i].size());
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 8) {
    std::fprintf(stderr, "usage: write_seeds FRAME QUERY POLICY POLICY_NAME SCORES PLAN TRANSFER\n");
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
  write_all(argv[3], anytick::test::policy_seeds());
  write_all(argv[4], anytick::test::policy_name_seeds());
  write_all(argv[5], anytick::test::scores_seeds());
  write_all(argv[6], anytick::test::plan_seeds());
  write_all(argv[7], anytick::test::transfer_seeds());
}
