#include <chrono>
#include <ctime>
#include <fstream>

#include <fmt/format.h>

#include "registry_transfer.h"

namespace anytick::registry::transfer::test {
namespace {

constexpr int servers = 10'000;
constexpr size_t note_size = 3900;

class TransferScale : public OnTransfer {};
INSTANTIATE_TEST_SUITE_P(Engines, TransferScale, anytick::test::both_engines, anytick::test::engine_name);

/// The most that this process had since reset_peak(), in bytes.
size_t peak() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::stoul(line.substr(6)) * 1024;
  return 0;
}

void reset_peak() {
  std::ofstream("/proc/self/clear_refs") << 5;
}

/// Servers with notes, 39 MB of them.
std::string write_servers(const control::test::TemporaryDirectory& directory, bool csv) {
  const std::string path = directory.file("servers");
  std::ofstream file(path, std::ios::binary);
  const std::string note(note_size, 'x');
  file << (csv ? "address,account,state,zones,zone_netspeed,note\n"
               : "{\"format\": \"anytick-registry\", \"version\": 1, \"servers\": [\n");
  for (int i = 0; i < servers; ++i) {
    const std::string address = fmt::format("8.{}.{}.{}", i >> 16, i >> 8 & 255, i & 255);
    if (csv)
      file << address << ",Öffentlich,active,de,europe=512," << note << "\n";
    else
      file << fmt::format(R"({}{{"address":"{}","account":"Öffentlich","state":"active","zones":["de"],)"
                          R"("zone_netspeed":{{"europe":512}},"note":"{}"}})"
                          "\n",
                          i == 0 ? "" : ",", address, note);
  }
  if (!csv) file << "]}\n";
  return path;
}

TEST_P(TransferScale, ManyServersInBoundedMemory) {
  constexpr size_t bound = size_t{24} << 20; // much less than the file
  import_sample();
  // What is measured is the import, not SQLite's cache, which may be larger than the file.
  if (GetParam() == store::Engine::sqlite)
    database_->read([](soci::session& sql) { sql << "PRAGMA cache_size = -4096"; });
  for (const bool csv : {true, false}) {
    SCOPED_TRACE(csv ? "CSV" : "JSON");
    auto file = scores::TextFile::open(write_servers(directory_, csv));
    ASSERT_TRUE(static_cast<bool>(file));
    const ImportOptions options{.format = csv ? Format::csv : Format::json, .kinds = {Kind::servers}, .dry_run = csv};
    reset_peak();
    const size_t before = peak();
    const auto start = std::chrono::steady_clock::now();
    const std::clock_t cpu_start = std::clock();
    const ImportReport report = import_file(*database_, *file, "servers", actor, options, [](uint64_t, uint64_t) {});
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    const double cpu = static_cast<double>(std::clock() - cpu_start) / CLOCKS_PER_SEC;
    const size_t grown = peak() - before;
    fmt::print("{} {}: {} servers in {:.1f} s ({:.1f} s of this process), memory grew by {:.1f} MiB\n",
               GetParam() == store::Engine::sqlite ? "sqlite" : "postgresql", csv ? "CSV" : "JSON", servers,
               took.count(), cpu, static_cast<double>(grown) / (1 << 20));
    EXPECT_EQ(report.faults.text(), "");
    EXPECT_EQ(report.of(Kind::servers).added, uint64_t{servers});
    EXPECT_LT(grown, bound);
  }
}

} // namespace
} // namespace anytick::registry::transfer::test
