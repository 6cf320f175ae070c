#include "control/delivery/cargo.h"

#include <algorithm>

#include "control/command.h"
#include "control/delivery/revisions.h"
#include "control/signing.h"

namespace anytick::delivery {
namespace {

CargoTable make_table(pop::v1::TableKind kind, std::vector<std::byte> bytes, const std::string& name,
                      const std::optional<core::PrivateKey>& key) {
  const control::SignedDigest digest = control::signed_digest(bytes, name);
  CargoTable table{kind, std::move(bytes), {digest.digest.begin(), digest.digest.end()}, ""};
  if (!key) return table;
  const core::Signature signature = control::sign(*key, digest);
  table.signature.assign(signature.begin(), signature.end());
  return table;
}

std::vector<std::byte> bytes_of(const std::string& text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

} // namespace

Cargo make_cargo(int64_t serial, std::vector<std::byte> image, const std::string& query_policy,
                 const hub::Config& config) {
  const auto key = control::sign_key_option(config.sign_key);
  Cargo cargo;
  cargo.serial = serial;
  cargo.image = make_table(pop::v1::TABLE_KIND_ZONE, std::move(image), "image", key);
  cargo.policy = make_table(pop::v1::TABLE_KIND_POLICY, bytes_of(query_policy), "query policy", key);
  if (!config.geo_map.empty())
    cargo.geo = make_table(pop::v1::TABLE_KIND_GEO, control::read_file(config.geo_map), config.geo_map, key);
  return cargo;
}

Cargo read_cargo(soci::session& sql, int64_t serial, const hub::Config& config) {
  return make_cargo(serial, read_image(sql, serial), get_revision(sql, serial).query_policy, config);
}

bool is_running(const RunningTables& tables, const CargoTable& table) {
  const auto found = std::ranges::find(tables, table.kind, &pop::v1::TableInfo::kind);
  if (found != tables.end()) return found->digest() == table.digest;
  return table.kind == pop::v1::TABLE_KIND_POLICY && table.bytes.empty();
}

std::vector<control::PushTable> missing_tables(const RunningTables& tables, const Cargo& cargo) {
  std::vector<control::PushTable> missing;
  const auto add = [&](const CargoTable& table) {
    if (!is_running(tables, table)) missing.push_back({table.kind, table.bytes, table.signature});
  };
  add(cargo.image);
  if (cargo.geo) add(*cargo.geo);
  add(cargo.policy);
  return missing;
}

} // namespace anytick::delivery
