#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "control/store/database.h"

namespace anytick::test {

/// An empty database of a test's own, gone with it. For PostgreSQL a server is started once in a process, in a
/// directory of its own and reached by a Unix socket alone.
class EmptyDatabase {
 public:
  explicit EmptyDatabase(store::Engine engine);
  EmptyDatabase(const EmptyDatabase&) = delete;
  EmptyDatabase& operator=(const EmptyDatabase&) = delete;
  ~EmptyDatabase();

  const std::string& connection() const { return connection_; }
  /// Another connection to it. Throws std::runtime_error.
  std::unique_ptr<store::Database> open() const;

 private:
  std::string connection_;
  std::filesystem::path directory_; ///< SQLite's
};

/// For tests that are the same on both: INSTANTIATE_TEST_SUITE_P(Engines, X, both_engines, engine_name).
class OnDatabase : public testing::TestWithParam<store::Engine> {
 protected:
  EmptyDatabase empty_{GetParam()};
  std::unique_ptr<store::Database> database_ = empty_.open();
};

inline const auto both_engines = testing::Values(store::Engine::sqlite, store::Engine::postgresql);
std::string engine_name(const testing::TestParamInfo<store::Engine>& info);

} // namespace anytick::test
