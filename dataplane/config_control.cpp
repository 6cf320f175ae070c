#include <algorithm>
#include <string>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "dataplane/config_sections.h"
#include "dataplane/core/tls_pem.h"

namespace anytick::io {
namespace {

using core::Faults;
using core::TomlReader;

void read_listen(TomlReader& reader, Faults& faults, std::vector<Endpoint>& listen) {
  reader.each("listen", [&](const toml::node& node, const std::string& path) {
    const auto endpoint = parse_endpoint(node.value_or(std::string()));
    if (!endpoint) {
      faults.add(node.source(), path, "must be an address and a port, \"198.51.100.7:8953\" or \"[2001:db8::7]:8953\"");
    } else if (std::ranges::find(listen, *endpoint) != listen.end()) {
      faults.add(node.source(), path, fmt::format("{} is listed twice", to_text(*endpoint)));
    } else {
      listen.push_back(*endpoint);
    }
  });
  const toml::node* node = reader.find("listen");
  if (node != nullptr && node->is_array() && node->as_array()->empty())
    reader.fault(*node, "listen", "must name at least one address and port");
}

void read_names(TomlReader& reader, Faults& faults, std::vector<std::string>& names) {
  reader.each("names", [&](const toml::node& node, const std::string& path) {
    const std::string name = node.value_or(std::string());
    const bool is_name = !name.empty() && std::ranges::all_of(name, [](char c) { return c > ' ' && c <= '~'; });
    if (!is_name || name.front() == '.' || name.find('*') != name.npos) {
      faults.add(node.source(), path, "must be a name as certificates have it, \"hub.pool.example\"");
    } else {
      names.push_back(name);
    }
  });
}

/// The file's text; nothing where it is not named or cannot be read.
std::string read_pem(TomlReader& reader, std::string_view key, std::string& file) {
  reader.require(key);
  reader.text(key, file);
  if (file.empty()) return "";
  Result<std::string> text = read_text(file);
  if (text) return std::move(*text);
  reader.fault(*reader.find(key), key, text.refusal().text());
  return "";
}

} // namespace

void read_control_tls(TomlReader& reader, Faults& faults, ControlTlsConfig& config) {
  reader.require("listen");
  read_listen(reader, faults, config.listen);
  read_names(reader, faults, config.names);
  const std::string certificate = read_pem(reader, "certificate", config.certificate);
  const std::string key = read_pem(reader, "key", config.key);
  const std::string ca = read_pem(reader, "ca", config.ca);
  const auto judge = [&](std::string_view name, const std::optional<Refusal>& refusal) {
    if (refusal) reader.fault(*reader.find(name), name, refusal->text());
    return !refusal;
  };
  if (!ca.empty()) judge("ca", core::check_certificates(ca, config.ca));
  if (certificate.empty() || !judge("certificate", core::check_certificates(certificate, config.certificate))) return;
  if (!key.empty()) judge("key", core::check_certificate_key(key, config.key, certificate, config.certificate));
}

} // namespace anytick::io
