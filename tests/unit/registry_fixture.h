#pragma once

#include <functional>
#include <string>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "control/registry/actor.h"
#include "control/registry/audit.h"
#include "control/registry/model.h"
#include "databases.h"

namespace anytick::registry::test {

inline geo::Address address(const std::string& text) {
  const auto parsed = geo::parse_address(text);
  if (!parsed) throw std::runtime_error("no address: " + text);
  return *parsed;
}

/// Calls of the registry on an empty database, each in a transaction of its own.
class OnRegistry : public anytick::test::OnDatabase {
 protected:
  static constexpr int64_t now = 1'800'000'000;
  Actor actor{"tester", "as a test", now};

  /// What `work` returns.
  template <class Work> auto transact(Work work) { return transact_on(*database_, work); }
  template <class Work> static auto transact_on(store::Database& database, Work work) {
    using Value = decltype(work(std::declval<soci::session&>()));
    if constexpr (std::is_void_v<Value>) {
      database.transact(work);
    } else {
      std::optional<Value> value;
      database.transact([&](soci::session& sql) { value.emplace(work(sql)); });
      return std::move(*value);
    }
  }

  /// Why it was refused; "" if it was not.
  std::string fault_of(const std::function<void(soci::session&)>& work) {
    try {
      database_->transact(work);
    } catch (const Fault& fault) {
      return fault.what();
    }
    return "";
  }
  void expect_fault(const std::string& part, const std::function<void(soci::session&)>& work) {
    const Id before = transact(last_audit);
    const std::string text = fault_of(work);
    EXPECT_FALSE(text.empty()) << "not refused: " << part;
    EXPECT_NE(text.find(part), std::string::npos) << text;
    EXPECT_EQ(transact(last_audit), before) << "a refusal in the audit log";
  }

  /// The audit log since the last call.
  std::vector<AuditEntry> told() {
    AuditQuery query{.after = told_, .limit = 0};
    const auto entries = transact([&](soci::session& sql) { return read_audit(sql, query); });
    if (!entries.empty()) told_ = entries.back().id;
    return entries;
  }
  /// That there was one entry, and what it says: fields before and after as JSON, "" where there was nothing.
  void expect_told(const std::string& kind, const std::string& what, const std::string& action, const std::string& from,
                   const std::string& to) {
    const auto entries = told();
    ASSERT_EQ(entries.size(), 1u) << kind << " " << what << " " << action;
    const AuditEntry& entry = entries.front();
    EXPECT_EQ(entry.kind, kind);
    EXPECT_EQ(entry.what, what);
    EXPECT_EQ(entry.action, action);
    EXPECT_EQ(entry.who, actor.who);
    EXPECT_EQ(entry.reason, actor.reason);
    EXPECT_EQ(entry.when, actor.now);
    expect_json(entry.from, from);
    expect_json(entry.to, to);
  }
  void expect_nothing_told() { EXPECT_EQ(told().size(), 0u); }

 private:
  static void expect_json(const std::string& is, const std::string& wanted) {
    if (is.empty() || wanted.empty())
      EXPECT_EQ(is, wanted);
    else
      EXPECT_EQ(nlohmann::json::parse(is), nlohmann::json::parse(wanted));
  }

  Id told_ = 0;
};

} // namespace anytick::registry::test
