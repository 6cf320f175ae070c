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

TEST_P(StoreTest, BringsASchemaOfBeforeUpToDate) {
  database_->transact([](soci::session& sql) {
    sql << "CREATE INDEX deliveries_by_pop ON deliveries (pop)";
    for (const char* index : {"revisions_whole", "pushes_open", "deliveries_by_pop_and_push"})
      sql << std::string("DROP INDEX ") + index;
    sql << "INSERT INTO revisions (serial, created, who, reason, checksum, plan, digest, query_policy, image) VALUES "
           "(1, 0, '', '', '', '', '', 'pruned', ''), (2, 0, '', '', '', 'plan', '', 'whole', 'image')";
    sql << "UPDATE schema_version SET version = 1";
  });
  const auto again = empty_.open();
  again->transact([](soci::session& sql) {
    EXPECT_EQ(schema_version_of(sql), schema_version());
    for (const char* index : {"revisions_whole", "pushes_open", "deliveries_by_pop_and_push"})
      sql << std::string("DROP INDEX ") + index;
    std::string policies;
    sql << "SELECT MIN(query_policy) || ' ' || MAX(query_policy) FROM revisions", soci::into(policies);
    EXPECT_EQ(policies, " whole");
  });
}

TEST_P(StoreTest, NoPushThatIsOpenIsFoundWithoutLookingAtAll) {
  if (GetParam() != Engine::sqlite) return; // PostgreSQL looks at small tables whole
  database_->read([](soci::session& sql) {
    int id = 0, parent = 0, unused = 0;
    std::string detail;
    sql << "EXPLAIN QUERY PLAN SELECT id, serial FROM pushes WHERE state IN ('pushing', 'unconfirmed') ORDER BY id "
           "DESC "
           "LIMIT 1",
        soci::into(id), soci::into(parent), soci::into(unused), soci::into(detail);
    EXPECT_NE(detail.find("pushes_open"), std::string::npos) << detail;
  });
}

TEST_P(StoreTest, RefusesASchemaOfTheFuture) {
  database_->transact([](soci::session& sql) { sql << "UPDATE schema_version SET version = 1000"; });
  const auto refused = Database::open(empty_.connection());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.refusal().text().find("version 1000"), std::string::npos) << refused.refusal().text();
}

TEST_P(StoreTest, IsOpenedAndReadBesideAWriter) {
  database_->transact([&](soci::session& sql) {
    sql << "INSERT INTO settings (name, value) VALUES ('a', 'b')";
    const auto other = empty_.open();
    long long rows = -1;
    other->read([&](soci::session& reader) { reader << "SELECT COUNT(*) FROM settings", soci::into(rows); });
    EXPECT_EQ(rows, 0);
  });
}

TEST(Connection, IsShownWithoutSecrets) {
  EXPECT_EQ(shown_connection("sqlite:/var/lib/hub.db"), "sqlite:/var/lib/hub.db");
  EXPECT_EQ(shown_connection("postgresql:host=/run/pg dbname=hub"), "postgresql:dbname=hub host=/run/pg");
  for (const char* text :
       {"postgresql:host=/x password=s3cret", "postgresql:host=/x password = s3cret",
        "postgresql:host=/x sslpassword=aa password=s3cret", R"(postgresql:password='a\'s3cret' host=/x)",
        "postgresql://alice:s3cret@h/hub", "postgresql:host='s3cret", "postgresql://h/hub?password=s3cret"})
    EXPECT_EQ(shown_connection(text).find("s3cret"), std::string::npos) << shown_connection(text);
}

TEST_P(StoreTest, ALostConnectionIsMadeAnew) {
  if (GetParam() == Engine::sqlite) return;
  const auto other = empty_.open();
  int backend = 0, done = 0;
  database_->read([&](soci::session& sql) { sql << "SELECT pg_backend_pid()", soci::into(backend); });
  other->read([&](soci::session& sql) {
    sql << "SELECT CASE WHEN pg_terminate_backend(:pid, 5000) THEN 1 ELSE 0 END", soci::use(backend), soci::into(done);
  });
  EXPECT_THROW(count("settings"), soci::soci_error);
  EXPECT_EQ(count("settings"), 0);
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
           {"postgresql:host=/nonexistent dbname=hub password=secret", "password=*** dbname=hub"},
           {"postgresql:host=/nonexistent password='sec ret' dbname=hub", "password=*** dbname"},
           {"postgresql://me:secret@%2Fnonexistent/hub", "password=***"}}) {
    const auto refused = Database::open(connection);
    ASSERT_FALSE(refused) << connection;
    const std::string text = refused.refusal().text();
    EXPECT_EQ(text.find("secret"), std::string::npos) << text;
    EXPECT_NE((text + " ").find(shown), std::string::npos) << text;
  }
}

} // namespace
} // namespace anytick::store
