#include "control/store/database.h"

#include <chrono>
#include <exception>
#include <random>
#include <string_view>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <libpq-fe.h>
#include <soci/postgresql/soci-postgresql.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <sqlite3.h>

#include "control/store/schema.h"

namespace anytick::store {
namespace {

constexpr std::string_view sqlite_prefix = "sqlite:";
constexpr std::string_view postgresql_prefix = "postgresql:";
/// A writer waits this long for those before it.
constexpr int busy_milliseconds = 30'000;
constexpr int attempts_max = 60;
constexpr const char* quiet = "SET client_min_messages = warning";
constexpr std::chrono::milliseconds pause_max{250};
/// Of no meaning but to be the same for all.
constexpr int migration_lock = 1'635'021'173;

const soci::backend_factory& factory(Engine engine) {
  if (engine == Engine::sqlite) return soci::sqlite3;
  return soci::postgresql;
}

/// For SOCI's SQLite a named path, for libpq a URI whole or what stands behind our prefix.
std::string driver_text(Engine engine, const std::string& connection) {
  if (engine == Engine::sqlite) return "dbname=\"" + connection.substr(sqlite_prefix.size()) + "\"";
  const bool uri = connection.starts_with("postgresql://");
  return uri ? connection : connection.substr(postgresql_prefix.size());
}

/// Whether the same transaction may succeed when it is tried again.
bool is_conflict(const std::exception& error) {
  if (const auto* sqlite = dynamic_cast<const soci::sqlite3_soci_error*>(&error)) {
    const int code = sqlite->result() & 0xff;
    return code == SQLITE_BUSY || code == SQLITE_LOCKED;
  }
  if (const auto* postgresql = dynamic_cast<const soci::postgresql_soci_error*>(&error)) {
    const std::string state = postgresql->sqlstate();
    return state == "40001" || state == "40P01"; // serialization_failure, deadlock_detected
  }
  return false;
}

/// Two that met shall not meet again at once.
void pause_after(int attempt) {
  static thread_local std::minstd_rand random(std::random_device{}());
  const auto most = std::min<int64_t>(pause_max.count(), int64_t{2} << std::min(attempt, 10));
  std::this_thread::sleep_for(std::chrono::milliseconds(std::uniform_int_distribution<int64_t>(1, most)(random)));
}

using ConnectionOptions = std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)>;

/// Of libpq; null where it does not understand the text.
ConnectionOptions options_of(const std::string& connection) {
  return {PQconninfoParse(driver_text(Engine::postgresql, connection).c_str(), nullptr), &PQconninfoFree};
}

bool is_secret(const PQconninfoOption& option) {
  return option.dispchar[0] == '*';
}

} // namespace

bool has_password(const std::string& connection) {
  if (!connection.starts_with(postgresql_prefix)) return false;
  const ConnectionOptions options = options_of(connection);
  if (options == nullptr) return true;
  for (const PQconninfoOption* each = options.get(); each->keyword != nullptr; ++each)
    if (each->val != nullptr && is_secret(*each)) return true;
  return false;
}

std::string shown_connection(const std::string& connection) {
  if (!connection.starts_with(postgresql_prefix)) return connection;
  const ConnectionOptions options = options_of(connection);
  std::string shown(postgresql_prefix);
  if (options == nullptr) return shown + "***";
  const char* separator = "";
  for (const PQconninfoOption* each = options.get(); each->keyword != nullptr; ++each) {
    if (each->val == nullptr) continue;
    shown += fmt::format("{}{}={}", std::exchange(separator, " "), each->keyword, is_secret(*each) ? "***" : each->val);
  }
  return shown;
}

Result<std::unique_ptr<Database>> Database::open(const std::string& connection) {
  const std::string shown = shown_connection(connection);
  const bool sqlite = connection.starts_with(sqlite_prefix);
  if (!sqlite && !connection.starts_with(postgresql_prefix))
    return Refusal{"database " + shown, "", "begins neither with \"sqlite:\" nor with \"postgresql:\""};
  const Engine engine = sqlite ? Engine::sqlite : Engine::postgresql;
  try {
    std::unique_ptr<Database> database(new Database(engine, driver_text(engine, connection)));
    if (auto refusal = database->prepare(shown)) return std::move(*refusal);
    return database;
  } catch (const soci::soci_error& error) {
    return Refusal{"database " + shown, "", error.get_error_message()};
  }
}

Database::Database(Engine engine, const std::string& rest)
    : engine_(engine), driver_text_(rest), session_(factory(engine), rest) {}

void Database::revive() {
  if (engine_ != Engine::postgresql) return;
  const auto* backend = static_cast<const soci::postgresql_session_backend*>(session_.get_backend());
  if (backend != nullptr && PQstatus(backend->conn_) == CONNECTION_OK) return;
  session_.close();
  session_.open(factory(engine_), driver_text_);
  session_ << quiet;
}

std::optional<Refusal> Database::prepare(const std::string& shown) {
  if (engine_ == Engine::sqlite) {
    session_ << "PRAGMA busy_timeout = " + std::to_string(busy_milliseconds);
    std::string mode;
    session_ << "PRAGMA journal_mode = WAL", soci::into(mode);
    session_ << "PRAGMA synchronous = FULL";
    // 64 MiB at most: a large transaction writes its pages once.
    session_ << "PRAGMA cache_size = -65536";
    session_ << "PRAGMA foreign_keys = ON";
  } else {
    session_ << quiet;
  }
  // Whoever only reads waits for no writer.
  int version = 0;
  read([&](soci::session& sql) { version = schema_version_of(sql); });
  if (version == schema_version()) return std::nullopt;
  // Two that make the same tables are no conflict that PostgreSQL lets one of them try again.
  if (engine_ == Engine::postgresql) session_ << fmt::format("SELECT pg_advisory_lock({})", migration_lock);
  std::optional<Refusal> refusal;
  transact([&](soci::session& sql) { refusal = migrate(sql); });
  if (engine_ == Engine::postgresql) session_ << fmt::format("SELECT pg_advisory_unlock({})", migration_lock);
  if (refusal) refusal->what = "database " + shown;
  return refusal;
}

void Database::transact(const std::function<void(soci::session&)>& work) {
  run(engine_ == Engine::sqlite ? "BEGIN IMMEDIATE" : "BEGIN ISOLATION LEVEL SERIALIZABLE", work);
}

void Database::read(const std::function<void(soci::session&)>& work) {
  run(engine_ == Engine::sqlite ? "BEGIN" : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", work);
}

void Database::run(const char* begin, const std::function<void(soci::session&)>& work) {
  for (int attempt = 1;; ++attempt) {
    try {
      return attempt_once(begin, work);
    } catch (const soci::soci_error& error) {
      if (!is_conflict(error) || attempt == attempts_max) throw;
    }
    pause_after(attempt);
  }
}

void Database::attempt_once(const char* begin, const std::function<void(soci::session&)>& work) {
  revive();
  session_ << begin;
  try {
    work(session_);
    session_ << "COMMIT";
  } catch (...) {
    try {
      session_ << "ROLLBACK";
    } catch (const soci::soci_error&) {
      // The engine has undone it already, or the connection is gone and with it the transaction.
    }
    throw;
  }
}

void lock_table(soci::session& sql, const std::string& table) {
  // SQLite has one writer at a time anyhow: transact() begins at once as that.
  if (sql.get_backend_name() == "postgresql") sql << "LOCK TABLE " + table + " IN SHARE ROW EXCLUSIVE MODE";
}

int64_t next_id(soci::session& sql, const std::string& kind) {
  long long id = 0;
  sql << "INSERT INTO ids (kind, last) VALUES (:kind, 1) ON CONFLICT (kind) DO UPDATE SET last = ids.last + 1 "
         "RETURNING last",
      soci::use(kind), soci::into(id);
  return id;
}

} // namespace anytick::store
