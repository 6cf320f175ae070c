#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/resource.h>

#include "dataplane/io/table_memory.h"
#include "dataplane/io/tables.h"

/// Small real tables and queries for the tests of io.
namespace anytick::io {

/// A directory of this test's own, gone with it.
class ScratchDirectory {
 public:
  ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ~ScratchDirectory();

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// The compiled zone "pool.test." in which ntp.pool.test. has `address`, 192.0.2.77 for clients in Japan. Its image and
/// SOA have `serial`.
std::vector<std::byte> zone_image(uint32_t serial, std::string_view address = "192.0.2.10");
/// The zone "pool.test." in which big.pool.test. has 220 TXT records of this letter: nearly the 60,000 bytes that an
/// answer can have.
std::vector<std::byte> big_zone_image(uint32_t serial, char letter = 'x');
/// A compiled map by which 203.0.113.0/24 is in `country` and everything else nowhere.
std::vector<std::byte> geo_map(std::string_view country);

TableMemory in_memory(const std::vector<std::byte>& bytes);
NewTables zone_table(const std::vector<std::byte>& bytes);
NewTables geo_table(const std::vector<std::byte>& bytes);
NewTables both_tables(const std::vector<std::byte>& zone, const std::vector<std::byte>& geo);

NewTables policy_table(std::string_view text);
/// Of the daemon that was built: it compiles policies for programs that are not it.
PolicyCompiler policy_compiler();

/// Exactly so many more files can be opened, until destruction.
class FewFiles {
 public:
  explicit FewFiles(unsigned more);
  FewFiles(const FewFiles&) = delete;
  FewFiles& operator=(const FewFiles&) = delete;
  ~FewFiles();

 private:
  rlimit before_{};
};

/// Polls until `done` or ten seconds have passed, which is a failure of the caller's expectation: the last value.
bool eventually(const std::function<bool()>& done);

/// A DNS query in wire format, RD clear, no EDNS.
std::vector<uint8_t> dns_query(uint16_t id, std::string_view name, uint16_t type);

inline constexpr std::string_view service_ipv4 = "192.0.2.53";
inline constexpr std::string_view service_ipv6 = "2001:db8::53";

/// An Ethernet frame that carries `payload` from `source` to port 53 of the service address of its family, checksums
/// set.
std::vector<uint8_t> udp_frame(std::string_view source, uint16_t source_port,
                               const std::array<uint8_t, 6>& destination_mac, const std::vector<uint8_t>& payload);

} // namespace anytick::io
