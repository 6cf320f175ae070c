#include "dataplane/io/ntp_keys.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "geo/text.h"

namespace anytick::io {
namespace {

using core::NtpKeyConfig;
using core::NtpMac;

constexpr size_t secret_bytes_max = 64;

struct Type {
  std::string_view name;
  NtpMac mac;
  size_t secret_bytes; ///< 0: any
};
constexpr Type types[] = {
    {"MD5", NtpMac::md5, 0}, {"SHA1", NtpMac::sha1, 0}, {"AES128", NtpMac::cmac, 16}, {"AES256", NtpMac::cmac, 32}};

std::optional<std::vector<uint8_t>> parse_hex(std::string_view text) {
  std::vector<uint8_t> bytes;
  if (text.size() % 2 != 0) return std::nullopt;
  for (size_t at = 0; at < text.size(); at += 2) {
    const auto byte = geo::number_of<uint8_t>(text.substr(at, 2), 16);
    if (!byte) return std::nullopt;
    bytes.push_back(*byte);
  }
  return bytes;
}

std::optional<std::vector<uint8_t>> parse_secret(std::string_view text) {
  if (text.starts_with("HEX:")) return parse_hex(text.substr(4));
  if (text.starts_with("ASCII:")) text.remove_prefix(6);
  return std::vector<uint8_t>(text.begin(), text.end());
}

/// The key, or what is wrong with the line.
Result<NtpKeyConfig> parse_line(const std::vector<std::string_view>& words) {
  const auto fault = [](std::string reason) { return Refusal{"", "", std::move(reason)}; };
  if (words.size() != 2 && words.size() != 3) return fault("must be an id, a type and a key");
  const auto id = geo::number_of<uint32_t>(words[0]);
  if (!id || *id == 0) return fault(fmt::format("'{}' is no key id from 1 to 4294967295", words[0]));
  const std::string_view name = words.size() == 3 ? words[1] : "MD5";
  const Type* type = std::find_if(std::begin(types), std::end(types), [&](const Type& t) { return t.name == name; });
  if (type == std::end(types))
    return fault(fmt::format("'{}' is none of the types MD5, SHA1, AES128 and AES256", name));
  const auto secret = parse_secret(words.back());
  if (!secret || secret->empty() || secret->size() > secret_bytes_max)
    return fault(
        fmt::format("key {} must have 1 to {} bytes, as text or as HEX: and two digits each", *id, secret_bytes_max));
  if (type->secret_bytes != 0 && secret->size() != type->secret_bytes)
    return fault(fmt::format("key {} must have {} bytes for {}", *id, type->secret_bytes, name));
  return NtpKeyConfig{*id, type->mac, *secret};
}

} // namespace

ParsedNtpKeys parse_ntp_keys(std::string_view text, const std::string& file) {
  ParsedNtpKeys parsed;
  for (unsigned number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::vector<std::string_view> words = geo::words_of(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (words.empty() || std::string_view("!;#%").find(words[0][0]) != std::string_view::npos) continue;
    const auto fault = [&](const std::string& reason) {
      parsed.faults.push_back({file, fmt::format("line {}", number), reason});
    };
    Result<NtpKeyConfig> key = parse_line(words);
    if (!key) {
      fault(key.refusal().reason);
    } else if (std::ranges::find(parsed.keys, key->id, &NtpKeyConfig::id) != parsed.keys.end()) {
      fault(fmt::format("key {} is there already", key->id));
    } else {
      parsed.keys.push_back(std::move(*key));
    }
  }
  if (!parsed.faults.empty()) parsed.keys.clear();
  return parsed;
}

} // namespace anytick::io
