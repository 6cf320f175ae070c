#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "control/store/database.h"
#include "control/store/schema.h"
#include "databases.h"

namespace anytick::store {
namespace {

class StoreTest : public test::OnDatabase {
 protected:
  int64_t count(const std::string& table) {
    long long rows = 0;
    database_->read([&](soci::session& sql) { sql << "SELECT COUNT(*) FROM " + table, soci::into(rows); });
    return rows;
  }
};
INSTANTIATE_TEST_SUITE_P(Engines, StoreTest, test::both_engines, test::engine_name);

TEST_P(StoreTest, IsMigratedOnceAndOpenedAgain) {
  const auto again = empty_.open();
  EXPECT_EQ(count("accounts"), 0);
  EXPECT_EQ(count("schema_version"), 1);
}

TEST_P(StoreTest, RefusesASchemaOfTheFuture) {
  database_->transact([](soci::session& sql) { sql << "UPDATE schema_version SET version = 1000"; });
  const auto refused = Database::open(empty_.connection());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.refusal().text().find("version 1000"), std::string::npos) << refused.refusal().text();
}

TEST_P(StoreTest, UndoesAllOfWhatThrows) {
  EXPECT_THROW(database_->transact([](soci::session& sql) {
    sql << "INSERT INTO settings (name, value) VALUES ('a', 'b')";
    throw std::runtime_error("on purpose");
  }),
               std::runtime_error);
  EXPECT_EQ(count("settings"), 0);
  EXPECT_THROW(database_->transact([](soci::session& sql) { sql << "INSERT INTO nowhere VALUES (1)"; }),
               soci::soci_error);
  database_->transact([](soci::session& sql) { sql << "INSERT INTO settings (name, value) VALUES ('a', 'b')"; });
  EXPECT_EQ(count("settings"), 1);
}

TEST_P(StoreTest, WritersBesideEachOtherLoseNothing) {
  constexpr int writers = 4, each = 25;
  std::vector<std::thread> threads;
  for (int writer = 0; writer < writers; ++writer) {
    threads.emplace_back([this] {
      const auto own = empty_.open();
      for (int i = 0; i < each; ++i) {
        own->transact([](soci::session& sql) {
          const long long id = next_id(sql, "account");
          const std::string name = "account " + std::to_string(id);
          sql << "INSERT INTO accounts (id, name, created) VALUES (:id, :name, 0)", soci::use(id), soci::use(name);
        });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count("accounts"), writers * each);
}

TEST_P(StoreTest, AReaderSeesOneState) {
  const auto writer = empty_.open();
  database_->read([&](soci::session& sql) {
    long long before = 0, after = 0;
    sql << "SELECT COUNT(*) FROM settings", soci::into(before);
    writer->transact([](soci::session& other) { other << "INSERT INTO settings (name, value) VALUES ('x', 'y')"; });
    sql << "SELECT COUNT(*) FROM settings", soci::into(after);
    EXPECT_EQ(before, after);
  });
  EXPECT_EQ(count("settings"), 1);
}

TEST(StoreConnection, IsRefusedWithoutItsPassword) {
  for (const auto& [connection, shown] : std::vector<std::pair<std::string, std::string>>{
           {"mysql:x", "neither"},
           {"sqlite:/nonexistent/hub.db", "/nonexistent/hub.db"},
           {"postgresql:host=/nonexistent dbname=hub password=secret", "password=***: "},
           {"postgresql:host=/nonexistent password='sec ret' dbname=hub", "password=*** dbname"},
           {"postgresql://me:secret@%2Fnonexistent/hub", "me:***@"}}) {
    const auto refused = Database::open(connection);
    ASSERT_FALSE(refused) << connection;
    const std::string text = refused.refusal().text();
    EXPECT_EQ(text.find("secret"), std::string::npos) << text;
    EXPECT_NE((text + " ").find(shown), std::string::npos) << text;
  }
}

} // namespace
} // namespace anytick::store
