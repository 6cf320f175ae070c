#include <bit>
#include <string>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "dataplane/config_sections.h"
#include "dataplane/io/ntp_keys.h"

namespace anytick::io {
namespace {

using core::Faults;
using core::TomlReader;

void read_keys(TomlReader& reader, Faults& faults, std::vector<core::NtpKeyConfig>& keys) {
  const toml::node* node = reader.find("keys");
  if (node == nullptr) return;
  const std::string file = node->value_or(std::string());
  if (file.empty()) {
    reader.fault(*node, "keys", "must be the name of a file with keys");
    return;
  }
  const Result<std::string> text = read_text(file);
  if (!text) {
    reader.fault(*node, "keys", text.refusal().text());
    return;
  }
  ParsedNtpKeys parsed = parse_ntp_keys(*text, file);
  for (const Refusal& fault : parsed.faults) faults.add(node->source(), reader.path_of("keys"), fault.text());
  keys = std::move(parsed.keys);
}

} // namespace

void read_ntp(TomlReader& reader, Faults& faults, NtpConfig& config) {
  reader.flag("enabled", config.enabled);
  read_keys(reader, faults, config.keys);
  reader.flag("interleaved", config.interleaved);
  reader.integer("interleaved_clients", config.interleaved_clients, 1024, 16'777'216);
  config.interleaved_clients = std::bit_ceil(config.interleaved_clients);
}

} // namespace anytick::io
