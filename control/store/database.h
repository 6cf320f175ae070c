#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <soci/soci.h>

#include "geo/refusal.h"

/// The hub's database: SQLite or PostgreSQL by SOCI, with the same SQL.
namespace anytick::store {

enum class Engine : uint8_t { sqlite, postgresql };

/// Of a text without its password, to be shown.
std::string shown_connection(const std::string& connection);
/// Whether it has something that shown_connection() does not show.
bool has_password(const std::string& connection);

/// A connection. One thread's at a time; several processes may have one each. One to PostgreSQL that was lost throws
/// soci::soci_error once, and is made anew by the next call.
///
/// SQL that both know: ids come from next_id(), times and flags are BIGINT, bytes are text in hexadecimal or base64, an
/// insert that may meet its like says ON CONFLICT (...) DO UPDATE.
class Database {
 public:
  /// `connection` is "sqlite:PATH", or "postgresql:" and what libpq takes: "postgresql:host=/run/pg dbname=hub",
  /// "postgresql://user@host/hub". Makes the file if there is none, and brings the schema up to date. Refused: a schema
  /// newer than this program's.
  static Result<std::unique_ptr<Database>> open(const std::string& connection);
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// Runs `work` as one transaction, as if nobody else were there. It may run several times, where others were, so it
  /// changes nothing but the database and what it sets anew. What it throws undoes it all. Not within another.
  void transact(const std::function<void(soci::session&)>& work);
  /// The same for what only reads: a consistent view, beside writers.
  void read(const std::function<void(soci::session&)>& work);

  Engine engine() const { return engine_; }

 private:
  Database(Engine engine, const std::string& rest);
  std::optional<Refusal> prepare(const std::string& shown);
  void revive();
  void attempt_once(const char* begin, const std::function<void(soci::session&)>& work);
  void run(const char* begin, const std::function<void(soci::session&)>& work);

  Engine engine_;
  std::string driver_text_;
  soci::session session_;
};

/// From here to the transaction's end nobody else writes this table, who locks it, too: those wait in a queue, where
/// conflicts would have to be tried again. First in a transaction, or it does not see what those before it wrote.
void lock_table(soci::session& sql, const std::string& table);

/// A number that no row of this kind ever had. Within a transaction.
int64_t next_id(soci::session& sql, const std::string& kind);

/// For columns that may be NULL.
template <class T> class Nullable {
 public:
  Nullable() = default;
  explicit Nullable(const std::optional<T>& value)
      : value_(value.value_or(T())), state_(value ? soci::i_ok : soci::i_null) {}

  T& value() { return value_; }
  soci::indicator& state() { return state_; }
  std::optional<T> get() const { return state_ == soci::i_ok ? std::optional<T>(value_) : std::nullopt; }

 private:
  T value_{};
  soci::indicator state_ = soci::i_null;
};

} // namespace anytick::store
