#include <array>
#include <cstring>
#include <string>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "dataplane/config_sections.h"

namespace anytick::io {
namespace {

using core::Choices;
using core::TomlReader;

/// "GPS" as at stratum 1, up to four letters, or the IPv4 address of who one is synchronised to (RFC 5905 7.3).
std::optional<uint32_t> parse_refid(const std::string& text) {
  std::array<uint8_t, 4> bytes{};
  if (const auto address = geo::parse_address(text); address && address->family == geo::Family::ipv4) {
    std::memcpy(bytes.data(), address->bytes.data(), bytes.size());
  } else {
    if (text.empty() || text.size() > bytes.size()) return std::nullopt;
    for (const char c : text)
      if (c <= ' ' || c > '~') return std::nullopt;
    std::memcpy(bytes.data(), text.data(), text.size());
  }
  uint32_t refid = 0;
  std::memcpy(&refid, bytes.data(), bytes.size());
  return refid;
}

void read_fixed(TomlReader& reader, FixedClock& fixed) {
  reader.integer("stratum", fixed.stratum, 1, 15);
  reader.integer("leap", fixed.leap, 0, 2);
  reader.number("root_delay", fixed.root_delay, 0, 16);
  reader.number("root_dispersion", fixed.root_dispersion, 0, 16);
  reader.number("correction", fixed.correction, -1e6, 1e6);
  const toml::node* node = reader.find("refid");
  if (node == nullptr) return;
  if (const auto refid = parse_refid(node->value_or(std::string()))) {
    fixed.refid = *refid;
  } else {
    reader.fault(*node, "refid", "must be an IPv4 address, or one to four characters");
  }
}

} // namespace

void read_clock(TomlReader& reader, ClockConfig& config) {
  reader.choice("source", config.source,
                Choices<ClockSource>{{"auto", ClockSource::automatic},
                                     {"chrony", ClockSource::chrony},
                                     {"kernel", ClockSource::kernel},
                                     {"fixed", ClockSource::fixed}});
  if (const toml::node* node = reader.find("chronyd"); node != nullptr) {
    const auto address = parse_chrony_address(node->value_or(std::string()));
    if (address)
      config.chronyd = *address;
    else
      reader.fault(*node, "chronyd", "must be the path of a socket, or a loopback address and port: \"127.0.0.1:323\"");
  }
  reader.integer("max_age_seconds", config.max_age, 1, 3600);
  reader.integer("kernel_stratum", config.kernel_stratum, 1, 15);
  reader.number("kernel_root_delay", config.kernel_root_delay, 0, 1);
  reader.number("kernel_root_dispersion", config.kernel_root_dispersion, 0, 1);
  bool laboratory = false;
  reader.flag("laboratory", laboratory);
  if (laboratory) {
    read_fixed(reader, config.fixed);
  } else if (config.source == ClockSource::fixed) {
    reader.fault(*reader.find("source"), "source", "\"fixed\" is for laboratories only, and wants laboratory = true");
  }
}

} // namespace anytick::io
