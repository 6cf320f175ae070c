#include "control/signing.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <string_view>

#include <fmt/format.h>

#include "control/command.h"
#include "control/text.h"
#include "dataplane/core/policy_rule.h"
#include "dataplane/core/zone_image.h"
#include "geo/map.h"

namespace anytick::control {
namespace {

template <class Value> Value or_fail(Result<Value> result) {
  if (!result) throw CommandFailure(exit_refused, result.refusal().text());
  return *std::move(result);
}

template <class Key> Key read_key(const std::string& file) {
  return or_fail(Key::from_pem(as_text(read_file(file)), file));
}

bool begins_with(std::span<const std::byte> table, std::string_view magic) {
  return table.size() >= magic.size() && std::memcmp(table.data(), magic.data(), magic.size()) == 0;
}

} // namespace

core::PrivateKey read_private_key(const std::string& file) {
  return read_key<core::PrivateKey>(file);
}

core::PublicKey read_public_key(const std::string& file) {
  return read_key<core::PublicKey>(file);
}

std::string key_text(const core::PublicKey& key) {
  return hex_text(key.id());
}

SignedDigest signed_digest(std::span<const std::byte> table, const std::string& file) {
  if (begins_with(table, {core::zone_magic.data(), core::zone_magic.size()}))
    return {core::SignedTable::zone_image, taken(core::ZoneImage::validate(table), file).header().digest};
  if (begins_with(table, {geo::map_magic.data(), geo::map_magic.size()}))
    return {core::SignedTable::geo_map, taken(geo::Map::validate(table), file).digest()};
  const core::ParsedPolicy policy = core::parse_policy(as_text(table), file);
  if (!policy.faults.empty())
    throw CommandFailure(exit_refused, fmt::format("{}: neither a zone image nor a geo map, and no policy: {}", file,
                                                   policy.faults.front().text()));
  return {core::SignedTable::policy, core::policy_digest(table)};
}

core::Signature sign(const core::PrivateKey& key, const SignedDigest& digest) {
  return or_fail(core::sign_table(key, digest.table, digest.digest));
}

std::optional<core::PrivateKey> sign_key_option(const std::string& file) {
  if (file.empty()) return std::nullopt;
  return read_private_key(file);
}

void write_signed(const std::string& file, std::span<const std::byte> table, const SignedDigest& digest,
                  const std::optional<core::PrivateKey>& key) {
  std::optional<core::Signature> signature;
  if (key) signature = sign(*key, digest);
  write_file_atomically(file, table);
  if (signature) write_signature(file, *signature);
}

std::string signature_file(const std::string& table_file) {
  return table_file + ".sig";
}

void write_signature(const std::string& table_file, const core::Signature& signature) {
  write_file_atomically(signature_file(table_file), std::as_bytes(std::span(signature)));
}

std::optional<core::Signature> read_signature(const std::string& table_file) {
  const std::string file = signature_file(table_file);
  if (std::error_code error; !std::filesystem::exists(file, error) && !error) return std::nullopt;
  const std::vector<std::byte> bytes = read_file(file);
  core::Signature signature{};
  if (bytes.size() != signature.size())
    throw CommandFailure(exit_refused,
                         fmt::format("{}: a signature has {} bytes, not {}", file, signature.size(), bytes.size()));
  std::memcpy(signature.data(), bytes.data(), signature.size());
  return signature;
}

} // namespace anytick::control
