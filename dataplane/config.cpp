#include "dataplane/config.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include <fmt/format.h>
#include <sched.h>
#include <sys/un.h>
#include <toml++/toml.h>

#include "dataplane/core/path.h"

namespace anytick::io {
namespace {

template <class Enum> using Choices = std::initializer_list<std::pair<std::string_view, Enum>>;

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

class Faults {
 public:
  explicit Faults(std::string file) : file_(std::move(file)) {}

  void add(const toml::source_region& source, const std::string& key, const std::string& reason) {
    const toml::source_position& at = source.begin;
    list_.push_back({at,
                     {file_, fmt::format("line {}, column {}", at.line, at.column),
                      key.empty() ? reason : fmt::format("{}: {}", key, reason)}});
  }

  bool none() const { return list_.empty(); }

  /// In the file's order.
  std::vector<Refusal> sorted() {
    std::ranges::stable_sort(list_, [](const Fault& a, const Fault& b) { return a.at < b.at; });
    std::vector<Refusal> refusals;
    for (Fault& fault : list_) refusals.push_back(std::move(fault.refusal));
    return refusals;
  }

 private:
  struct Fault {
    toml::source_position at;
    Refusal refusal;
  };

  std::string file_;
  std::vector<Fault> list_;
};

/// One TOML table, read key by key. What is wrong becomes a fault and the default stays, so that one run finds all
/// faults. In the end, keys that nobody asked for are faults.
class TableReader {
 public:
  /// `path` is the table's own key, "" for the root.
  TableReader(const toml::table& table, std::string path, Faults& faults)
      : table_(table), path_(std::move(path)), faults_(faults) {}

  std::string path_of(std::string_view key) const {
    return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
  }

  const toml::node* find(std::string_view key) {
    known_.emplace_back(key);
    return table_.get(key);
  }

  void require(std::string_view key) {
    if (!table_.contains(key)) faults_.add(table_.source(), path_of(key), "missing");
  }

  void text(std::string_view key, std::string& value) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    if (const auto* text = node->as_string(); text != nullptr && !text->get().empty()) {
      value = text->get();
    } else {
      fault(*node, key, "must be a string that is not empty");
    }
  }

  /// What fits a character-string of DNS, empty ones too.
  void short_text(std::string_view key, std::string& value) {
    constexpr size_t most = 255;
    const toml::node* node = find(key);
    if (node == nullptr) return;
    if (const auto* text = node->as_string(); text != nullptr && text->get().size() <= most) {
      value = text->get();
    } else {
      fault(*node, key, fmt::format("must be a string of at most {} bytes", most));
    }
  }

  void flag(std::string_view key, bool& value) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    if (!node->is_boolean()) fault(*node, key, "must be true or false");
    value = node->value_or(value);
  }

  template <class Integer> void integer(std::string_view key, Integer& value, uint64_t low, uint64_t high) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    if (const auto number = in_range(*node, low, high)) {
      value = static_cast<Integer>(*number);
    } else {
      fault(*node, key, fmt::format("must be an integer from {} to {}", low, high));
    }
  }

  template <class Enum> void choice(std::string_view key, Enum& value, Choices<Enum> choices) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    const std::string text = node->value_or(std::string());
    std::string names;
    for (const auto& [name, meaning] : choices) {
      if (node->is_string() && text == name) {
        value = meaning;
        return;
      }
      names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", name);
    }
    fault(*node, key, "must be one of " + names);
  }

  /// Calls take(element, its key) for each element of an array.
  template <class Take> void each(std::string_view key, Take take) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    const toml::array* array = node->as_array();
    if (array == nullptr) {
      fault(*node, key, "must be an array");
      return;
    }
    for (size_t i = 0; i < array->size(); ++i) take((*array)[i], fmt::format("{}[{}]", path_of(key), i));
  }

  void cores(std::string_view key, std::vector<unsigned>& value) {
    if (!table_.contains(key)) {
      find(key);
      return;
    }
    std::vector<unsigned> found;
    each(key, [&](const toml::node& node, const std::string& path) {
      const auto number = in_range(node, 0, CPU_SETSIZE - 1);
      if (!number) {
        faults_.add(node.source(), path, fmt::format("must be a CPU number from 0 to {}", CPU_SETSIZE - 1));
      } else if (std::ranges::find(found, *number) != found.end()) {
        faults_.add(node.source(), path, fmt::format("CPU {} is listed twice", *number));
      } else {
        found.push_back(static_cast<unsigned>(*number));
      }
    });
    const toml::node& node = *table_.get(key);
    if (node.is_array() && node.as_array()->empty()) fault(node, key, "must name at least one CPU");
    value = std::move(found);
  }

  void fault(const toml::node& node, std::string_view key, const std::string& reason) {
    faults_.add(node.source(), path_of(key), reason);
  }

  void finish() {
    for (const auto& [key, node] : table_) {
      if (std::ranges::find(known_, key.str()) == known_.end()) {
        faults_.add(key.source(), path_of(key.str()), "unknown key");
      }
    }
  }

 private:
  static std::optional<uint64_t> in_range(const toml::node& node, uint64_t low, uint64_t high) {
    const auto* number = node.as_integer();
    if (number == nullptr || number->get() < 0) return std::nullopt;
    const auto value = static_cast<uint64_t>(number->get());
    if (value < low || value > high) return std::nullopt;
    return value;
  }

  const toml::table& table_;
  std::string path_;
  Faults& faults_;
  std::vector<std::string> known_;
};

/// Calls read(reader, table) where the section is there and is a table.
template <class Read> void section(TableReader& root, std::string_view key, Faults& faults, Read read) {
  const toml::node* node = root.find(key);
  if (node == nullptr) return;
  const toml::table* table = node->as_table();
  if (table == nullptr) {
    root.fault(*node, key, "must be a table");
    return;
  }
  TableReader reader(*table, root.path_of(key), faults);
  read(reader);
  reader.finish();
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
    if (first >= 224) return "is multicast, reserved or broadcast";
    return "";
  }
  if (first == 0xff) return "is multicast";
  if (std::ranges::all_of(address.bytes, [](uint8_t byte) { return byte == 0; })) return "is not a host's address";
  return "";
}

void read_addresses(TableReader& reader, Faults& faults, std::vector<geo::Address>& addresses) {
  reader.require("addresses");
  reader.each("addresses", [&](const toml::node& node, const std::string& path) {
    const std::string text = node.is_string() ? node.value_or(std::string()) : std::string();
    const auto address = geo::parse_address(text);
    if (!address) {
      faults.add(node.source(), path, "must be an IPv4 or IPv6 address");
    } else if (const std::string_view reason = unusable(*address); !reason.empty()) {
      faults.add(node.source(), path, fmt::format("{} {}", text, reason));
    } else if (std::ranges::find(addresses, *address) != addresses.end()) {
      faults.add(node.source(), path, fmt::format("{} is listed twice", text));
    } else {
      addresses.push_back(*address);
    }
  });
  if (const toml::node* node = reader.find("addresses");
      node != nullptr && node->is_array() && node->as_array()->empty()) {
    reader.fault(*node, "addresses", "must name at least one address");
  }
}

PortConfig read_port(const toml::table& table, const std::string& path, Faults& faults) {
  PortConfig port;
  TableReader reader(table, path, faults);
  reader.require("device");
  reader.text("device", port.device);
  if (const toml::node* node = reader.find("mac")) {
    port.mac = node->is_string() ? parse_mac(node->value_or(std::string())) : std::nullopt;
    if (!port.mac) {
      reader.fault(*node, "mac", "must be six bytes like \"02:00:00:00:00:01\"");
    } else if (((*port.mac)[0] & 1) != 0 || *port.mac == std::array<uint8_t, 6>{}) {
      reader.fault(*node, "mac", "must be a station's address");
    }
  }
  read_addresses(reader, faults, port.addresses);
  reader.choice("checksum", port.checksum,
                Choices<Checksums>{{"auto", Checksums::by_device}, {"software", Checksums::software}});
  reader.integer("rx_descriptors", port.rx_descriptors, 64, 32768);
  reader.integer("tx_descriptors", port.tx_descriptors, 64, 32768);
  reader.integer("mtu", port.mtu, 1280, 9600);
  reader.finish();
  return port;
}

void read_ports(TableReader& root, const toml::table& table, Faults& faults, std::vector<PortConfig>& ports) {
  root.require("port");
  root.each("port", [&](const toml::node& node, const std::string& path) {
    if (!node.is_table()) {
      faults.add(node.source(), path, "must be a table, written as [[port]]");
      return;
    }
    PortConfig port = read_port(*node.as_table(), path, faults);
    if (std::ranges::any_of(ports,
                            [&](const PortConfig& other) { return other.device_name() == port.device_name(); })) {
      faults.add(node.source(), path + ".device", fmt::format("{} has a [[port]] already", port.device_name()));
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
void read_trust(TableReader& reader, Faults& faults, std::vector<core::PublicKey>& keys) {
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
void read_identity(TableReader& root, Faults& faults, Config& config) {
  std::string hostname = config.name, version;
  config.identity.nsid = config.name;
  section(root, "identity", faults, [&](TableReader& identity) {
    identity.short_text("nsid", config.identity.nsid);
    identity.short_text("hostname", hostname);
    identity.short_text("version", version);
  });
  if (!hostname.empty()) config.identity.hostname = hostname;
  if (!version.empty()) config.identity.version = version;
}

void read_control(TableReader& root, std::filesystem::path& socket) {
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
  TableReader root(table, "", faults);
  root.require("name");
  root.text("name", config.name);
  if (config.name.size() > 255) root.fault(*table.get("name"), "name", "must be at most 255 bytes");
  read_identity(root, faults, config);
  std::string state_dir = config.state_dir;
  root.text("state_dir", state_dir);
  config.state_dir = state_dir;
  read_control(root, config.control_socket);
  root.integer("max_table_bytes", config.max_table_bytes, 4096, uint64_t{16} << 30);
  root.choice("log_level", config.log_level,
              Choices<LogLevel>{{"debug", LogLevel::debug},
                                {"info", LogLevel::info},
                                {"warning", LogLevel::warning},
                                {"error", LogLevel::error}});
  section(root, "eal", faults, [&](TableReader& eal) {
    eal.choice("huge_pages", config.eal.huge_pages,
               Choices<HugePages>{{"auto", HugePages::when_free}, {"on", HugePages::on}, {"off", HugePages::off}});
    eal.integer("memory_mb", config.eal.memory_mb, 32, 1u << 20);
    eal.cores("control_cores", config.eal.control_cores);
    eal.each("extra", [&](const toml::node& node, const std::string& path) {
      if (!node.is_string()) faults.add(node.source(), path, "must be a string");
      config.eal.extra.push_back(node.value_or(std::string()));
    });
  });
  section(root, "workers", faults, [&](TableReader& workers) {
    workers.cores("cores", config.workers.cores);
    workers.choice("idle", config.workers.idle,
                   Choices<Idle>{{"spin", Idle::spin}, {"pause", Idle::pause}, {"sleep", Idle::sleep}});
    workers.integer("burst", config.workers.burst, 1, core::burst_max);
  });
  section(root, "sockets", faults, [&](TableReader& sockets) {
    sockets.flag("enabled", config.sockets.enabled);
    sockets.integer("tcp_connections", config.sockets.tcp_connections, 1, 1'000'000);
    sockets.integer("tcp_per_source", config.sockets.tcp_per_source, 1, 1'000'000);
    sockets.integer("tcp_backlog", config.sockets.tcp_backlog, 1, 65'535);
    sockets.integer("tcp_buffer_bytes", config.sockets.tcp_buffer_bytes, 1u << 20, uint64_t{1} << 40);
    sockets.integer("idle_seconds", config.sockets.idle, 1, 3600);
    sockets.integer("message_seconds", config.sockets.message, 1, 3600);
    sockets.integer("total_seconds", config.sockets.total, 1, 86'400);
  });
  section(root, "trust", faults, [&](TableReader& trust) { read_trust(trust, faults, config.trusted_keys); });
  read_ports(root, table, faults, config.ports);
  root.finish();
  return config;
}

} // namespace

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
