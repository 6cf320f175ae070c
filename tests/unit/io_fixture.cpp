#include "tests/unit/io_fixture.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "control/compile.h"
#include "control/geodns_json.h"
#include "geo/map_builder.h"

namespace anytick::io {
namespace {

constexpr uint8_t udp_protocol = 17;

void put16(std::vector<uint8_t>& out, unsigned value) {
  out.push_back(static_cast<uint8_t>(value >> 8));
  out.push_back(static_cast<uint8_t>(value));
}

/// The one's complement sum (RFC 1071) over whole 16-bit words.
uint32_t sum16(const uint8_t* bytes, size_t length) {
  uint32_t sum = 0;
  for (size_t i = 0; i < length; ++i) sum += i % 2 == 0 ? uint32_t{bytes[i]} << 8 : uint32_t{bytes[i]};
  return sum;
}

uint16_t fold(uint32_t sum) {
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

void store16(std::vector<uint8_t>& frame, size_t at, uint16_t value) {
  frame[at] = static_cast<uint8_t>(value >> 8);
  frame[at + 1] = static_cast<uint8_t>(value);
}

geo::Address address_of(std::string_view text) {
  const auto address = geo::parse_address(text);
  if (!address) throw std::invalid_argument(std::string(text));
  return *address;
}

void append_address(std::vector<uint8_t>& frame, const geo::Address& address) {
  frame.insert(frame.end(), address.bytes.begin(), address.bytes.begin() + address.width() / 8);
}

} // namespace

ScratchDirectory::ScratchDirectory() {
  std::string name = std::filesystem::temp_directory_path() / "anytick-test-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error(std::strerror(errno));
  path_ = name;
}

ScratchDirectory::~ScratchDirectory() {
  std::filesystem::remove_all(path_);
}

namespace {

std::vector<std::byte> compiled(uint32_t serial, const std::string& text) {
  control::Findings findings("pool.test.json");
  const auto zone = control::read_geodns_zone("pool.test.json", text, 1, findings);
  if (!zone) throw std::runtime_error(findings.all().front().text());
  auto image = control::compile(std::span(&*zone, 1), serial, 0);
  if (!image) throw std::runtime_error(image.refusal().text());
  return *image;
}

} // namespace

std::vector<std::byte> zone_image(uint32_t serial, std::string_view address) {
  return compiled(serial, fmt::format(R"({{
    "serial": {}, "ttl": 60, "max_hosts": 2, "targeting": "country",
    "data": {{
      "": {{"ns": ["ns1.example.net."]}},
      "ntp": {{"a": [["{}", "1"]], "aaaa": [["2001:db8::1234", "1"]]}},
      "ntp.jp": {{"a": [["192.0.2.77", "1"]]}}
    }}
  }})",
                                      serial, address));
}

std::vector<std::byte> big_zone_image(uint32_t serial, char letter) {
  std::string records;
  for (unsigned i = 0; i < 220; ++i)
    records += fmt::format("{}\"{:03}{}\"", i == 0 ? "" : ", ", i, std::string(252, letter));
  return compiled(serial, fmt::format(R"({{
    "serial": {}, "ttl": 60,
    "data": {{ "": {{"ns": ["ns1.example.net."]}}, "big": {{"txt": [{}]}} }}
  }})",
                                      serial, records));
}

std::vector<std::byte> geo_map(std::string_view country) {
  geo::Location location;
  location.country = {country.at(0), country.at(1)};
  location.continent = geo::continent_of(country);
  geo::Layer layer;
  layer.name = "test";
  layer.statements = {location};
  layer.entries = {{*geo::parse_prefix("203.0.113.0/24"), 0}};
  auto map = geo::build_map(std::span(&layer, 1), 0);
  if (!map) throw std::runtime_error(map.refusal().text());
  return *map;
}

TableMemory in_memory(const std::vector<std::byte>& bytes) {
  Result<TableMemory> memory = TableMemory::reserve(bytes.size());
  if (!memory) throw std::runtime_error(memory.refusal().text());
  std::ranges::copy(bytes, memory->writable().begin());
  return std::move(*memory);
}

NewTables zone_table(const std::vector<std::byte>& bytes) {
  NewTables tables;
  tables.zone = NewTable{in_memory(bytes), {}};
  return tables;
}

NewTables geo_table(const std::vector<std::byte>& bytes) {
  NewTables tables;
  tables.geo = NewTable{in_memory(bytes), {}};
  return tables;
}

NewTables both_tables(const std::vector<std::byte>& zone, const std::vector<std::byte>& geo) {
  NewTables tables = zone_table(zone);
  tables.geo = NewTable{in_memory(geo), {}};
  return tables;
}

NewTables policy_table(std::string_view text) {
  const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
  NewTables tables;
  tables.policy = NewTable{in_memory({bytes, bytes + text.size()}), {}};
  return tables;
}

PolicyCompiler policy_compiler() {
  const char* daemon = std::getenv("ANYTICKD");
  if (daemon == nullptr) throw std::runtime_error("ANYTICKD is not set: the path of anytickd");
  return PolicyCompiler(daemon);
}

FewFiles::FewFiles(unsigned more) {
  ::getrlimit(RLIMIT_NOFILE, &before_);
  const int next = ::dup(STDERR_FILENO); // the lowest number that is free
  ::close(next);
  rlimit limit = before_;
  limit.rlim_cur = static_cast<rlim_t>(next) + more;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) throw std::runtime_error("setrlimit");
}

FewFiles::~FewFiles() {
  ::setrlimit(RLIMIT_NOFILE, &before_);
}

bool eventually(const std::function<bool()>& done) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!done() && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return done();
}

std::vector<uint8_t> dns_query(uint16_t id, std::string_view name, uint16_t type) {
  std::vector<uint8_t> query;
  for (const unsigned field : {unsigned{id}, 0u, 1u, 0u, 0u, 0u}) put16(query, field);
  while (!name.empty()) {
    const std::string_view label = name.substr(0, name.find('.'));
    query.push_back(static_cast<uint8_t>(label.size()));
    query.insert(query.end(), label.begin(), label.end());
    name.remove_prefix(label.size() + 1); // names end with a dot
  }
  query.push_back(0);
  put16(query, type);
  put16(query, 1); // IN
  return query;
}

std::vector<uint8_t> udp_frame(std::string_view source, uint16_t source_port,
                               const std::array<uint8_t, 6>& destination_mac, const std::vector<uint8_t>& payload) {
  const geo::Address from = address_of(source);
  const bool ipv4 = from.family == geo::Family::ipv4;
  const geo::Address to = address_of(ipv4 ? service_ipv4 : service_ipv6);
  const auto udp_length = static_cast<unsigned>(8 + payload.size());

  std::vector<uint8_t> frame(destination_mac.begin(), destination_mac.end());
  frame.insert(frame.end(), {0x02, 0, 0, 0, 0, 0x01});
  put16(frame, ipv4 ? 0x0800 : 0x86dd);
  const size_t ip = frame.size();
  if (ipv4) {
    frame.insert(frame.end(), {0x45, 0});
    put16(frame, 20 + udp_length);
    frame.insert(frame.end(), {0, 0, 0x40, 0, 64, udp_protocol, 0, 0});
  } else {
    frame.insert(frame.end(), {0x60, 0, 0, 0});
    put16(frame, udp_length);
    frame.insert(frame.end(), {udp_protocol, 64});
  }
  append_address(frame, from);
  append_address(frame, to);
  if (ipv4) store16(frame, ip + 10, fold(sum16(&frame[ip], 20)));
  const size_t udp = frame.size();
  put16(frame, source_port);
  put16(frame, 53);
  put16(frame, udp_length);
  put16(frame, 0);
  frame.insert(frame.end(), payload.begin(), payload.end());
  const size_t address_bytes = ipv4 ? 8 : 32;
  const uint32_t pseudo = sum16(&frame[udp - address_bytes], address_bytes) + udp_protocol + udp_length;
  store16(frame, udp + 6, fold(pseudo + sum16(&frame[udp], udp_length)));
  return frame;
}

} // namespace anytick::io
