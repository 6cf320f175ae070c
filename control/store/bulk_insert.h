#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <soci/soci.h>

namespace anytick::store {

/// "HEAD VALUES (:v0, :v1), (:v2, :v3) TAIL"
std::string values_text(const std::string& head, size_t rows, size_t columns, const std::string& tail);

/// Inserts many rows by few statements, within one transaction: a statement, and with PostgreSQL a way there and back,
/// serves up to `rows_max` rows. A statement must not hold two rows of one key. Columns are long long, double or
/// std::string.
template <class... Columns> class BulkInsert {
 public:
  static constexpr size_t rows_max = 128;

  /// `head` is "INSERT INTO table (columns)", `tail` what follows the values.
  BulkInsert(soci::session& sql, std::string head, std::string tail)
      : sql_(sql), head_(std::move(head)), tail_(std::move(tail)), rows_(rows_max) {}

  bool full() const { return used_ == rows_max; }
  bool empty() const { return used_ == 0; }
  /// The row to fill in; its texts keep their memory. Precondition: !full().
  std::tuple<Columns...>& next() { return rows_[used_++]; }

  /// Inserts what was filled in.
  void flush() {
    if (used_ == 0) return;
    if (full()) {
      if (!whole_) prepare(whole_.emplace(sql_));
      whole_->execute(true);
    } else {
      soci::statement rest(sql_);
      prepare(rest);
      rest.execute(true);
    }
    used_ = 0;
  }

 private:
  void prepare(soci::statement& statement) {
    for (size_t row = 0; row < used_; ++row)
      std::apply([&](auto&... values) { (statement.exchange(soci::use(values)), ...); }, rows_[row]);
    statement.alloc();
    statement.prepare(values_text(head_, used_, sizeof...(Columns), tail_));
    statement.define_and_bind();
  }

  soci::session& sql_;
  std::string head_, tail_;
  std::vector<std::tuple<Columns...>> rows_;
  size_t used_ = 0;
  std::optional<soci::statement> whole_;
};

} // namespace anytick::store
