#include "control/store/schema.h"

#include <array>
#include <span>
#include <string>

namespace anytick::store {
namespace {

constexpr auto registry_and_revisions = std::to_array<const char*>({
    "CREATE TABLE ids (kind TEXT PRIMARY KEY, last BIGINT NOT NULL)",

    // The registry
    "CREATE TABLE accounts (id BIGINT PRIMARY KEY, name TEXT NOT NULL UNIQUE, created BIGINT NOT NULL)",
    "CREATE TABLE logins (account BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE, email TEXT NOT NULL, "
    "role TEXT NOT NULL, PRIMARY KEY (account, email))",
    "CREATE TABLE invitations (account BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE, email TEXT NOT "
    "NULL, "
    "role TEXT NOT NULL, token_digest TEXT NOT NULL, expires BIGINT NOT NULL, PRIMARY KEY (account, email))",
    "CREATE TABLE tree (name TEXT PRIMARY KEY, parent TEXT REFERENCES tree (name), description TEXT NOT NULL)",
    "CREATE TABLE servers (id BIGINT PRIMARY KEY, address TEXT NOT NULL, account BIGINT NOT NULL REFERENCES accounts "
    "(id), state TEXT NOT NULL, netspeed BIGINT NOT NULL, deletion BIGINT, note TEXT NOT NULL, token_digest TEXT NOT "
    "NULL, created BIGINT NOT NULL)",
    "CREATE UNIQUE INDEX servers_by_address ON servers (address) WHERE state <> 'removed'",
    "CREATE INDEX servers_by_account ON servers (account)",
    "CREATE INDEX servers_by_token ON servers (token_digest)",
    "CREATE TABLE server_zones (server BIGINT NOT NULL REFERENCES servers (id) ON DELETE CASCADE, zone TEXT NOT NULL "
    "REFERENCES tree (name), PRIMARY KEY (server, zone))",
    "CREATE INDEX server_zones_by_zone ON server_zones (zone)",
    "CREATE TABLE zone_netspeeds (server BIGINT NOT NULL REFERENCES servers (id) ON DELETE CASCADE, zone TEXT NOT NULL "
    "REFERENCES tree (name), netspeed BIGINT NOT NULL, PRIMARY KEY (server, zone))",
    "CREATE TABLE roots (origin TEXT PRIMARY KEY, contact TEXT NOT NULL, ttl BIGINT NOT NULL, max_hosts BIGINT NOT "
    "NULL, static_data TEXT NOT NULL)",
    "CREATE TABLE root_name_servers (origin TEXT NOT NULL REFERENCES roots (origin) ON DELETE CASCADE, place BIGINT "
    "NOT NULL, name TEXT NOT NULL, PRIMARY KEY (origin, place))",
    "CREATE TABLE vendors (id BIGINT PRIMARY KEY, name TEXT NOT NULL UNIQUE, account BIGINT NOT NULL REFERENCES "
    "accounts (id), root TEXT NOT NULL REFERENCES roots (origin), state TEXT NOT NULL, client TEXT NOT NULL, sink TEXT "
    "NOT NULL, throttle BIGINT, note TEXT NOT NULL, created BIGINT NOT NULL)",
    "CREATE TABLE pops (name TEXT PRIMARY KEY, target TEXT NOT NULL, tls_name TEXT NOT NULL, canary BIGINT NOT NULL, "
    "enabled BIGINT NOT NULL)",
    "CREATE TABLE audit (id BIGINT PRIMARY KEY, time BIGINT NOT NULL, who TEXT NOT NULL, kind TEXT NOT NULL, what TEXT "
    "NOT NULL, action TEXT NOT NULL, was TEXT NOT NULL, became TEXT NOT NULL, reason TEXT NOT NULL)",
    "CREATE INDEX audit_by_what ON audit (kind, what)",

    // Scores: what scores::Scoreboard holds (`recent`: scores/standing_text.h), and the rows behind it, those of an
    // hour together (`lines`: scores/history_block.h). `changed` is a number of ids' kind "scores".
    "CREATE TABLE monitors (id BIGINT PRIMARY KEY, name TEXT NOT NULL, at_most TEXT NOT NULL)",
    "CREATE TABLE scored (id BIGINT PRIMARY KEY, address TEXT NOT NULL UNIQUE, changed BIGINT NOT NULL)",
    "CREATE TABLE standings (server BIGINT NOT NULL REFERENCES scored (id), monitor BIGINT NOT NULL, status TEXT NOT "
    "NULL, checks BIGINT NOT NULL, score DOUBLE PRECISION NOT NULL, base DOUBLE PRECISION NOT NULL, base_time BIGINT "
    "NOT NULL, recent TEXT NOT NULL, PRIMARY KEY (server, monitor))",
    "CREATE TABLE history (server BIGINT NOT NULL REFERENCES scored (id), hour BIGINT NOT NULL, thin BIGINT NOT NULL, "
    "lines TEXT NOT NULL, PRIMARY KEY (server, hour))",
    "CREATE INDEX history_by_hour ON history (hour)",
    "CREATE INDEX history_whole ON history (hour, server) WHERE thin = 0",

    // What was planned and pushed. `image` is in base64; it, `plan` and `query_policy` are "" where they were pruned.
    // `stage` and `soak` are of delivery/pushes.h.
    "CREATE TABLE revisions (serial BIGINT PRIMARY KEY, base BIGINT, created BIGINT NOT NULL, who TEXT NOT NULL, "
    "reason TEXT NOT NULL, checksum TEXT NOT NULL, plan TEXT NOT NULL, digest TEXT NOT NULL, query_policy TEXT NOT "
    "NULL, image TEXT NOT NULL)",
    "CREATE INDEX revisions_by_digest ON revisions (digest)",
    "CREATE TABLE pushes (id BIGINT PRIMARY KEY, serial BIGINT NOT NULL REFERENCES revisions (serial), previous BIGINT "
    "REFERENCES revisions (serial), time BIGINT NOT NULL, who TEXT NOT NULL, reason TEXT NOT NULL, forced BIGINT NOT "
    "NULL, state TEXT NOT NULL, stage TEXT NOT NULL, soak BIGINT NOT NULL, confirm_by BIGINT, detail TEXT NOT NULL)",
    "CREATE INDEX pushes_by_serial ON pushes (serial)",
    "CREATE TABLE deliveries (push BIGINT NOT NULL REFERENCES pushes (id), pop TEXT NOT NULL, canary BIGINT NOT NULL, "
    "asked BIGINT NOT NULL, time BIGINT NOT NULL, state TEXT NOT NULL, generation BIGINT NOT NULL, detail TEXT NOT "
    "NULL, PRIMARY KEY (push, pop))",
    "CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE INDEX deliveries_by_pop ON deliveries (pop)",
});

/// What is looked for each minute and hour among all that ever was pushed; and what pruned revisions had left.
constexpr auto pruning = std::to_array<const char*>({
    "CREATE INDEX revisions_whole ON revisions (serial) WHERE image <> ''",
    "CREATE INDEX pushes_open ON pushes (id) WHERE state IN ('pushing', 'unconfirmed')",
    "CREATE INDEX deliveries_by_pop_and_push ON deliveries (pop, push)",
    "DROP INDEX deliveries_by_pop",
    "UPDATE revisions SET query_policy = '' WHERE image = ''",
});

using Migration = std::span<const char* const>;
const std::array<Migration, 2> migrations{registry_and_revisions, pruning};

} // namespace

int schema_version() {
  return static_cast<int>(migrations.size());
}

int schema_version_of(soci::session& sql) {
  const bool sqlite = sql.get_backend_name() == "sqlite3";
  long long tables = 0, version = 0;
  sql << (sqlite ? "SELECT COUNT(*) FROM sqlite_master WHERE name = 'schema_version'"
                 : "SELECT COUNT(*) FROM pg_class WHERE oid = to_regclass('schema_version')"),
      soci::into(tables);
  if (tables > 0) sql << "SELECT COALESCE(MAX(version), 0) FROM schema_version", soci::into(version);
  return static_cast<int>(version);
}

std::optional<Refusal> migrate(soci::session& sql) {
  sql << "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)";
  long long rows = 0, version = 0;
  sql << "SELECT COUNT(*), COALESCE(MAX(version), 0) FROM schema_version", soci::into(rows), soci::into(version);
  if (version > schema_version())
    return Refusal{"", "",
                   "its schema is version " + std::to_string(version) + ", this program knows " +
                       std::to_string(schema_version())};
  if (version == schema_version()) return std::nullopt;
  for (size_t i = static_cast<size_t>(version); i < migrations.size(); ++i)
    for (const char* statement : migrations[i]) sql << statement;
  const long long now = schema_version();
  if (rows == 0)
    sql << "INSERT INTO schema_version (version) VALUES (:v)", soci::use(now);
  else
    sql << "UPDATE schema_version SET version = :v", soci::use(now);
  return std::nullopt;
}

} // namespace anytick::store
