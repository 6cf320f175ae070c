#include "dataplane/config.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include <fmt/format.h>
#include <net/if.h>
#include <sched.h>
#include <sys/un.h>
#include <toml++/toml.h>

#include "dataplane/config_sections.h"
#include "dataplane/core/path.h"
#include "dataplane/core/toml_reader.h"
#include "geo/text.h"

namespace anytick::io {
namespace {

using core::Choices;
using core::Faults;
using core::section;
using core::TomlReader;

/// CPU numbers, distinct.
void read_cores(TomlReader& reader, std::string_view key, Faults& faults, std::vector<unsigned>& value) {
  std::vector<unsigned> found;
  reader.each(key, [&](const toml::node& node, const std::string& path) {
    const auto number = TomlReader::in_range(node, 0, CPU_SETSIZE - 1);
    if (!number) {
      faults.add(node.source(), path, fmt::format("must be a CPU number from 0 to {}", CPU_SETSIZE - 1));
    } else if (std::ranges::find(found, *number) != found.end()) {
      faults.add(node.source(), path, fmt::format("CPU {} is listed twice", *number));
    } else {
      found.push_back(static_cast<unsigned>(*number));
    }
  });
  const toml::node* node = reader.find(key);
  if (node == nullptr) return;
  if (node->is_array() && node->as_array()->empty()) reader.fault(*node, key, "must name at least one CPU");
  value = std::move(found);
}

std::optional<std::array<uint8_t, 6>> parse_mac(const std::string& text) {
  std::array<uint8_t, 6> mac{};
  if (text.size() != 17) return std::nullopt;
  for (size_t i = 0; i < mac.size(); ++i) {
    const std::string digits = text.substr(i * 3, 2);
    if (i > 0 && text[i * 3 - 1] != ':') return std::nullopt;
    if (digits.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos) return std::nullopt;
    mac[i] = static_cast<uint8_t>(std::stoul(digits, nullptr, 16));
  }
  return mac;
}

/// Why replies cannot come from this address, or "".
std::string_view unusable(const geo::Address& address) {
  const uint8_t first = address.bytes[0];
  if (address.family == geo::Family::ipv4) {
    if (first == 0) return "is not a host's address";
    if (first == 127) return "is a loopback address";
    if (first >= 224) return "is multicast, reserved or broadcast";
    return "";
  }
  if (first == 0xff) return "is multicast";
  if (address == geo::Address::ipv6(0, 0)) return "is not a host's address";
  if (address == geo::Address::ipv6(0, 1)) return "is a loopback address";
  if (geo::unmapped(address) != address) return "is an IPv4 address";
  return "";
}

void read_mac(TomlReader& reader, std::string_view key, std::optional<std::array<uint8_t, 6>>& mac) {
  const toml::node* node = reader.find(key);
  if (node == nullptr) return;
  mac = node->is_string() ? parse_mac(node->value_or(std::string())) : std::nullopt;
  if (!mac) {
    reader.fault(*node, key, "must be six bytes like \"02:00:00:00:00:01\"");
  } else if (((*mac)[0] & 1) != 0 || *mac == std::array<uint8_t, 6>{}) {
    reader.fault(*node, key, "must be a station's address");
  }
}

/// "192.0.2.53", alone in its network, or "192.0.2.53/24".
std::optional<InterfaceAddress> parse_interface_address(const std::string& text) {
  const size_t slash = text.find('/');
  const auto address = geo::parse_address(text.substr(0, slash));
  if (!address) return std::nullopt;
  unsigned length = address->width();
  if (slash != std::string::npos) {
    length = geo::number_of<unsigned>(std::string_view(text).substr(slash + 1)).value_or(0);
    if (length == 0 || length > address->width()) return std::nullopt;
  }
  return InterfaceAddress{*address, static_cast<uint8_t>(length)};
}

/// Networks of one or two addresses have no address of their own (RFC 3021, RFC 6164).
bool is_network(const InterfaceAddress& at) {
  return at.prefix_length + 1u < at.address.width() &&
         geo::prefix_of(at.address, at.prefix_length).address == at.address;
}

void read_prefixes(TomlReader& reader, std::string_view key, Faults& faults, std::vector<geo::Prefix>& list) {
  reader.each(key, [&](const toml::node& node, const std::string& path) {
    const auto* text = node.as_string();
    const auto prefix = text != nullptr ? geo::parse_network(text->get()) : std::nullopt;
    if (!prefix) {
      faults.add(node.source(), path, "must be an IPv4 or IPv6 address or prefix, no bits set beyond its length");
    } else {
      list.push_back(*prefix);
    }
  });
}

/// Rates are in replies a second; 0 is no limit.
void read_limit(TomlReader& limit, Faults& faults, LimitConfig& config) {
  constexpr uint64_t rate_max = 1'000'000;
  core::LimitRules& rules = config.rules;
  limit.choice("mode", rules.mode,
               Choices<core::LimitMode>{
                   {"off", core::LimitMode::off}, {"log", core::LimitMode::log}, {"on", core::LimitMode::on}});
  uint64_t memory_mb = config.memory_bytes >> 20;
  limit.integer("memory_mb", memory_mb, 1, 65'536);
  config.memory_bytes = memory_mb << 20;
  const std::array<std::string_view, core::answer_class_count> keys{"answers",   "nodata", "nxdomain",
                                                                    "referrals", "errors", "ntp"};
  for (size_t i = 0; i < keys.size(); ++i) limit.integer(keys[i], rules.per_second[i], 0, rate_max);
  limit.integer("burst_seconds", rules.burst_seconds, 1, 60);
  limit.integer("ipv4_prefix", rules.ipv4_prefix, 8, 32);
  limit.integer("ipv6_prefix", rules.ipv6_prefix, 16, 64);
  limit.integer("ntp_ipv4_prefix", rules.ntp_ipv4_prefix, 8, 32);
  limit.integer("ntp_ipv6_prefix", rules.ntp_ipv6_prefix, 16, 64);
  limit.integer("ntp_leak", rules.ntp_leak, 0, 100);
  limit.integer("ntp_kod", rules.ntp_kod, 0, 1000);
  limit.integer("slip", rules.slip, 0, 100);
  limit.integer("reply_ratio", rules.reply_ratio, 0, 1000);
  if (rules.reply_ratio == 1)
    limit.fault(*limit.find("reply_ratio"), "reply_ratio",
                "must be 0, for no bound, or at least 2: an answer has its question in it");
  read_prefixes(limit, "allow", faults, rules.allow);
}

/// Appends to what is there; all are distinct.
void read_addresses(TomlReader& reader, std::string_view key, Faults& faults, std::vector<InterfaceAddress>& list) {
  reader.each(key, [&](const toml::node& node, const std::string& path) {
    const std::string text = node.is_string() ? node.value_or(std::string()) : std::string();
    const auto address = parse_interface_address(text);
    if (!address) {
      faults.add(node.source(), path, "must be an IPv4 or IPv6 address");
    } else if (const std::string_view reason = unusable(address->address); !reason.empty()) {
      faults.add(node.source(), path, fmt::format("{} {}", text, reason));
    } else if (is_network(*address)) {
      faults.add(node.source(), path, fmt::format("{} is a network, not a host's address", text));
    } else if (std::ranges::find(list, address->address, &InterfaceAddress::address) != list.end()) {
      faults.add(node.source(), path, fmt::format("{} is listed twice", text));
    } else {
      list.push_back(*address);
    }
  });
}

/// As the kernel takes interface names, and without what ends a device's argument.
bool is_interface_name(const std::string& name) {
  return name.size() < IFNAMSIZ && name != "." && name != ".." &&
         std::ranges::all_of(name, [](char c) { return c > ' ' && c <= '~' && c != '/' && c != ':' && c != ','; });
}

void read_kernel(TomlReader& reader, Faults& faults, size_t index, PortConfig& port) {
  TwinConfig& kernel = port.kernel;
  // A port that is shared with the kernel has its interface there already.
  const bool isolated = port.steering == Steering::isolate;
  std::string interface = isolated ? "none" : fmt::format("at{}", index);
  reader.text("kernel", interface);
  const toml::node* node = reader.find("kernel");
  if (interface == "none") {
    interface.clear();
  } else if (isolated) {
    reader.fault(*node, "kernel", "must be \"none\" where steering is \"isolate\": the kernel keeps its own interface");
  } else if (!is_interface_name(interface)) {
    reader.fault(*node, "kernel", "must be an interface's name of at most 15 characters");
  }
  kernel.interface = interface;
  reader.choice("kernel_driver", kernel.driver,
                Choices<TwinDriver>{{"tap", TwinDriver::tap}, {"virtio_user", TwinDriver::virtio_user}});
  reader.integer("kernel_pps", kernel.frames_per_second, 1, 10'000'000);
  read_addresses(reader, "kernel_addresses", faults, kernel.addresses);
  if (const toml::node* own = reader.find("kernel_addresses"); own != nullptr && interface.empty()) {
    reader.fault(*own, "kernel_addresses", "have no interface to be on");
  }
}

PortConfig read_port(const toml::table& table, const std::string& path, size_t index, Faults& faults) {
  PortConfig port;
  TomlReader reader(table, path, faults);
  reader.require("device");
  reader.text("device", port.device);
  read_mac(reader, "mac", port.mac);
  read_mac(reader, "next_hop", port.next_hop);
  reader.require("addresses");
  read_addresses(reader, "addresses", faults, port.kernel.addresses);
  for (const InterfaceAddress& each : port.kernel.addresses) port.addresses.push_back(each.address);
  if (const toml::node* node = reader.find("addresses");
      node != nullptr && node->is_array() && node->as_array()->empty()) {
    reader.fault(*node, "addresses", "must name at least one address");
  }
  reader.choice("checksum", port.checksum,
                Choices<Checksums>{{"auto", Checksums::by_device}, {"software", Checksums::software}});
  reader.integer("rx_descriptors", port.rx_descriptors, 64, 32768);
  reader.integer("tx_descriptors", port.tx_descriptors, 64, 32768);
  reader.integer("mtu", port.mtu, 1280, 9600);
  reader.integer("receive_delay_ns", port.receive_delay, 0, 1'000'000);
  reader.integer("transmit_delay_ns", port.transmit_delay, 0, 1'000'000);
  reader.choice("steering", port.steering, Choices<Steering>{{"none", Steering::none}, {"isolate", Steering::isolate}});
  read_kernel(reader, faults, index, port);
  reader.finish();
  return port;
}

void read_ports(TomlReader& root, const toml::table& table, Faults& faults, std::vector<PortConfig>& ports) {
  root.require("port");
  root.each("port", [&](const toml::node& node, const std::string& path) {
    if (!node.is_table()) {
      faults.add(node.source(), path, "must be a table, written as [[port]]");
      return;
    }
    PortConfig port = read_port(*node.as_table(), path, ports.size(), faults);
    if (std::ranges::any_of(ports,
                            [&](const PortConfig& other) { return other.device_name() == port.device_name(); })) {
      faults.add(node.source(), path + ".device", fmt::format("{} has a [[port]] already", port.device_name()));
    }
    const std::string& interface = port.kernel.interface;
    if (!interface.empty() &&
        std::ranges::any_of(ports, [&](const PortConfig& other) { return other.kernel.interface == interface; })) {
      faults.add(node.source(), path + ".kernel", fmt::format("{} is another port's", interface));
    }
    ports.push_back(std::move(port));
  });
  if (const toml::array* array = table["port"].as_array(); array != nullptr && array->empty()) {
    faults.add(array->source(), "port", "must have at least one [[port]]");
  }
}

Result<core::PublicKey> read_key(const std::string& file) {
  const Result<std::string> pem = read_text(file);
  if (!pem) return pem.refusal();
  return core::PublicKey::from_pem(*pem, file);
}

/// A [trust] without a key is a fault: whoever writes one does not want unsigned tables.
void read_trust(TomlReader& reader, Faults& faults, std::vector<core::PublicKey>& keys) {
  reader.require("keys");
  reader.each("keys", [&](const toml::node& node, const std::string& path) {
    const std::string file = node.value_or(std::string());
    if (file.empty()) {
      faults.add(node.source(), path, "must be the name of a file with a public key");
      return;
    }
    Result<core::PublicKey> key = read_key(file);
    if (!key) {
      faults.add(node.source(), path, key.refusal().text());
    } else if (std::ranges::find(keys, key->bytes(), &core::PublicKey::bytes) != keys.end()) {
      faults.add(node.source(), path, fmt::format("{} is listed twice", file));
    } else {
      keys.push_back(std::move(*key));
    }
  });
  if (const toml::node* node = reader.find("keys"); node != nullptr && node->is_array() && node->as_array()->empty()) {
    reader.fault(*node, "keys", "must name at least one key");
  }
}

/// Told to whoever asks: nsid and hostname are the POP's name unless said otherwise, and "" keeps one to itself.
void read_identity(TomlReader& root, Faults& faults, Config& config) {
  std::string hostname = config.name, version;
  config.identity.nsid = config.name;
  section(root, "identity", faults, [&](TomlReader& identity) {
    identity.short_text("nsid", config.identity.nsid);
    identity.short_text("hostname", hostname);
    identity.short_text("version", version);
  });
  if (!hostname.empty()) config.identity.hostname = hostname;
  if (!version.empty()) config.identity.version = version;
}

void read_control(TomlReader& root, std::filesystem::path& socket) {
  const toml::node* node = root.find("control");
  if (node == nullptr) return;
  const std::string text = node->is_string() ? node->value_or(std::string()) : std::string();
  constexpr size_t path_max = sizeof(sockaddr_un::sun_path) - 1;
  if (!text.starts_with("unix:/") || text.size() - 5 > path_max || text.ends_with('/')) {
    root.fault(*node, "control", fmt::format("must be \"unix:\" and an absolute path of at most {} bytes", path_max));
    return;
  }
  socket = text.substr(5);
}

Config read_root(const toml::table& table, Faults& faults) {
  Config config;
  TomlReader root(table, "", faults);
  root.require("name");
  root.text("name", config.name);
  if (config.name.size() > 255) root.fault(*table.get("name"), "name", "must be at most 255 bytes");
  read_identity(root, faults, config);
  std::string state_dir = config.state_dir;
  root.text("state_dir", state_dir);
  config.state_dir = state_dir;
  read_control(root, config.control_socket);
  section(root, "control_tls", faults, [&](TomlReader& tls) { read_control_tls(tls, faults, config.control_tls); });
  root.integer("max_table_bytes", config.max_table_bytes, 4096, uint64_t{16} << 30);
  root.choice("log_level", config.log_level,
              Choices<LogLevel>{{"debug", LogLevel::debug},
                                {"info", LogLevel::info},
                                {"warning", LogLevel::warning},
                                {"error", LogLevel::error}});
  section(root, "eal", faults, [&](TomlReader& eal) {
    eal.choice("huge_pages", config.eal.huge_pages,
               Choices<HugePages>{{"auto", HugePages::when_free}, {"on", HugePages::on}, {"off", HugePages::off}});
    eal.integer("memory_mb", config.eal.memory_mb, 32, 1u << 20);
    read_cores(eal, "control_cores", faults, config.eal.control_cores);
    eal.each("extra", [&](const toml::node& node, const std::string& path) {
      if (!node.is_string()) faults.add(node.source(), path, "must be a string");
      config.eal.extra.push_back(node.value_or(std::string()));
    });
  });
  section(root, "workers", faults, [&](TomlReader& workers) {
    read_cores(workers, "cores", faults, config.workers.cores);
    workers.choice("idle", config.workers.idle,
                   Choices<Idle>{{"spin", Idle::spin}, {"pause", Idle::pause}, {"sleep", Idle::sleep}});
    workers.integer("burst", config.workers.burst, 1, core::burst_max);
  });
  section(root, "sockets", faults, [&](TomlReader& sockets) {
    sockets.flag("enabled", config.sockets.enabled);
    sockets.integer("tcp_connections", config.sockets.tcp_connections, 1, 1'000'000);
    sockets.integer("tcp_per_source", config.sockets.tcp_per_source, 1, 1'000'000);
    sockets.integer("tcp_backlog", config.sockets.tcp_backlog, 1, 65'535);
    sockets.integer("tcp_buffer_bytes", config.sockets.tcp_buffer_bytes, 1u << 20, uint64_t{1} << 40);
    sockets.integer("idle_seconds", config.sockets.idle, 1, 3600);
    sockets.integer("message_seconds", config.sockets.message, 1, 3600);
    sockets.integer("total_seconds", config.sockets.total, 1, 86'400);
  });
  section(root, "limit", faults, [&](TomlReader& limit) { read_limit(limit, faults, config.limit); });
  section(root, "ntp", faults, [&](TomlReader& ntp) { read_ntp(ntp, faults, config.ntp); });
  section(root, "clock", faults, [&](TomlReader& clock) { read_clock(clock, config.clock); });
  section(root, "trust", faults, [&](TomlReader& trust) { read_trust(trust, faults, config.trusted_keys); });
  read_ports(root, table, faults, config.ports);
  root.finish();
  return config;
}

} // namespace

Result<std::string> read_text(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  std::string text;
  std::array<char, 4096> part;
  while (stream) { // not by iterators, which throw where the file is a directory
    stream.read(part.data(), part.size());
    text.append(part.data(), static_cast<size_t>(stream.gcount()));
  }
  if (!stream.is_open() || stream.bad()) return Refusal{file, "", std::strerror(errno)};
  return text;
}

ParsedConfig parse_config(std::string_view text, const std::string& file) {
  Faults faults(file);
  try {
    Config config = read_root(toml::parse(text, file), faults);
    if (faults.none()) return {std::move(config), {}};
  } catch (const toml::parse_error& error) {
    faults.add(error.source(), "", std::string(error.description()));
  }
  return {std::nullopt, faults.sorted()};
}

ParsedConfig read_config(const std::string& file) {
  const Result<std::string> text = read_text(file);
  if (!text) return {std::nullopt, {text.refusal()}};
  return parse_config(*text, file);
}

} // namespace anytick::io
