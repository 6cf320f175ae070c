#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <variant>

#include <soci/soci.h>

#include "control/store/database.h"

namespace anytick::registry {

/// A SELECT whose conditions are known only when it runs: into() in the order of its columns, where() for each
/// condition, run(), and fetch() until it is false.
class Query {
 public:
  explicit Query(soci::session& sql) : statement_(sql) {}

  template <class... Columns> Query& into(Columns&... columns) {
    (take(columns), ...);
    return *this;
  }
  /// `condition` names its value, where it has one, as ":name".
  Query& where(std::string_view condition) {
    conditions_ += conditions_.empty() ? " WHERE " : " AND ";
    conditions_ += condition;
    return *this;
  }
  template <class Value> Query& where(std::string_view condition, const Value& value) {
    auto& kept = values_.emplace_back(value);
    std::visit([&](auto& each) { statement_.exchange(soci::use(each)); }, kept);
    return where(condition);
  }
  void run(const std::string& select, const std::string& tail) {
    statement_.alloc();
    statement_.prepare(select + conditions_ + " " + tail);
    statement_.define_and_bind();
    statement_.execute();
  }
  bool fetch() { return statement_.fetch(); }

 private:
  template <class Value> void take(Value& value) { statement_.exchange(soci::into(value)); }
  template <class Value> void take(store::Nullable<Value>& value) {
    statement_.exchange(soci::into(value.value(), value.state()));
  }

  soci::statement statement_;
  std::string conditions_;
  std::list<std::variant<int64_t, std::string>> values_; ///< where they are does not change
};

} // namespace anytick::registry
