#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/io/secrets.h"
#include "dataplane/io/tables.h"
#include "tests/unit/io_fixture.h"

namespace anytick::io {
namespace {

std::vector<std::byte> damaged(std::vector<std::byte> bytes) {
  bytes[bytes.size() / 2] ^= std::byte{0x40};
  return bytes;
}

std::vector<std::byte> contents(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
  return {bytes, bytes + text.size()};
}

void overwrite(const std::filesystem::path& path, const std::vector<std::byte>& bytes) {
  std::ofstream stream(path, std::ios::binary);
  stream.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

class TablesTest : public testing::Test {
 protected:
  std::unique_ptr<Tables> open(unsigned readers = 1) {
    Result<TableStore> store = TableStore::open(directory_.path() / "state");
    EXPECT_TRUE(store);
    return std::make_unique<Tables>(readers, std::move(*store));
  }
  std::filesystem::path stored(std::string_view file) const { return directory_.path() / "state" / file; }

  ScratchDirectory directory_;
};

TEST_F(TablesTest, StartsWithNothing) {
  const auto tables = open();
  EXPECT_EQ(tables->running()->number, 0u);
  EXPECT_TRUE(tables->running()->tables().empty());
  TableReader reader(*tables, 0);
  EXPECT_EQ(reader.view().image, nullptr);
  EXPECT_EQ(reader.view().join, nullptr);
}

TEST_F(TablesTest, LoadPublishesAndStores) {
  const auto tables = open();
  const auto zone = zone_image(7);
  const auto map = geo_map("jp");
  const auto applied = tables->load(both_tables(zone, map));
  ASSERT_TRUE(applied) << applied.refusal().text();
  EXPECT_EQ(applied->generation->number, 1u);
  const auto infos = tables->running()->tables();
  ASSERT_EQ(infos.size(), 2u);
  EXPECT_EQ(infos[0].kind, TableKind::zone);
  EXPECT_EQ(infos[0].serial, 7u);
  EXPECT_EQ(infos[0].size, zone.size());
  EXPECT_EQ(infos[1].kind, TableKind::geo);
  EXPECT_EQ(infos[1].size, map.size());
  TableReader reader(*tables, 0);
  EXPECT_EQ(reader.view().image->header().serial, 7u);
  EXPECT_NE(reader.view().join, nullptr);
  EXPECT_NE(reader.view().map, nullptr);
  EXPECT_EQ(contents(stored("zone.image")), zone);
  EXPECT_EQ(contents(stored("geo.map")), map);
}

TEST_F(TablesTest, OneTableIsJoinedWithThePresentOther) {
  const auto tables = open();
  ASSERT_TRUE(tables->load(geo_table(geo_map("jp"))));
  EXPECT_EQ(tables->running()->view.join, nullptr);
  ASSERT_TRUE(tables->load(zone_table(zone_image(1))));
  const auto first = tables->running();
  ASSERT_TRUE(tables->load(zone_table(zone_image(2))));
  const auto second = tables->running();
  EXPECT_EQ(second->geo, first->geo);
  EXPECT_NE(second->view.join, first->view.join);
  ASSERT_TRUE(tables->load(geo_table(geo_map("de"))));
  const auto third = tables->running();
  EXPECT_EQ(third->zone, second->zone);
  EXPECT_NE(third->view.join, second->view.join);
  EXPECT_EQ(third->number, 4u);
}

struct RefusalCase {
  std::string name;
  NewTables (*tables)();
  std::string reason; ///< begins with
};

void PrintTo(const RefusalCase& c, std::ostream* out) {
  *out << c.name;
}

class RefusedTables : public TablesTest, public testing::WithParamInterface<RefusalCase> {};

TEST_P(RefusedTables, ChangeNothing) {
  const auto tables = open();
  ASSERT_TRUE(tables->load(both_tables(zone_image(7), geo_map("jp"))));
  const auto before = tables->running();
  const auto zone_file = contents(stored("zone.image"));
  const auto geo_file = contents(stored("geo.map"));

  const auto applied = tables->load(GetParam().tables());
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.refusal().text().rfind(GetParam().reason, 0), 0u) << applied.refusal().text();
  EXPECT_EQ(tables->running(), before);
  TableReader reader(*tables, 0);
  EXPECT_EQ(reader.view().image, before->view.image);
  EXPECT_EQ(contents(stored("zone.image")), zone_file);
  EXPECT_EQ(contents(stored("geo.map")), geo_file);
}

INSTANTIATE_TEST_SUITE_P(
    , RefusedTables,
    testing::Values(RefusalCase{"DamagedZone", [] { return zone_table(damaged(zone_image(8))); }, "zone image"},
                    RefusalCase{"DamagedGeo", [] { return geo_table(damaged(geo_map("de"))); }, "geo map"},
                    RefusalCase{"GoodZoneWithDamagedGeo",
                                [] { return both_tables(zone_image(8), damaged(geo_map("de"))); }, "geo map"},
                    RefusalCase{"DamagedZoneWithGoodGeo",
                                [] { return both_tables(damaged(zone_image(8)), geo_map("de")); }, "zone image"},
                    RefusalCase{"MapAsZone", [] { return zone_table(geo_map("de")); }, "zone image"},
                    RefusalCase{"ZoneAsMap", [] { return geo_table(zone_image(8)); }, "geo map"},
                    RefusalCase{"Cut",
                                [] {
                                  auto bytes = zone_image(8);
                                  bytes.resize(bytes.size() - 8);
                                  return zone_table(bytes);
                                },
                                "zone image"},
                    RefusalCase{"OneByte", [] { return zone_table({std::byte{1}}); }, "zone image"}),
    [](const auto& each) { return each.param.name; });

TEST_F(TablesTest, RestartsFromTheLastGoodTables) {
  ASSERT_TRUE(open()->load(both_tables(zone_image(7), geo_map("jp"))));
  const auto tables = open();
  tables->load_stored(64 << 20);
  const auto running = tables->running();
  ASSERT_NE(running->zone, nullptr);
  ASSERT_NE(running->geo, nullptr);
  EXPECT_EQ(running->zone->info.serial, 7u);
  EXPECT_NE(running->view.join, nullptr);
}

TEST_F(TablesTest, DamagedStoredTableIsLeftOut) {
  ASSERT_TRUE(open()->load(both_tables(zone_image(7), geo_map("jp"))));
  overwrite(stored("zone.image"), damaged(zone_image(7)));
  const auto tables = open();
  tables->load_stored(64 << 20);
  EXPECT_EQ(tables->running()->zone, nullptr);
  EXPECT_NE(tables->running()->geo, nullptr);
  EXPECT_TRUE(tables->load(zone_table(zone_image(9))));
}

TEST_F(TablesTest, StoredTableThatIsEmptyOrTooLargeIsLeftOut) {
  const auto zone = zone_image(7);
  ASSERT_TRUE(open()->load(both_tables(zone, geo_map("jp"))));
  overwrite(stored("geo.map"), {});
  const auto tables = open();
  tables->load_stored(zone.size() - 1);
  EXPECT_EQ(tables->running()->number, 0u);
}

/// The steps of storing two tables: a crash after any of them leaves both old ones or both new ones.
TEST_F(TablesTest, RestartsWithWholeSetsAfterACrashWhileStoring) {
  const auto old_zone = zone_image(7), new_zone = zone_image(8), old_map = geo_map("jp"), new_map = geo_map("de");
  const auto expect = [&](uint64_t serial, const std::vector<std::byte>& map) {
    const auto tables = open();
    tables->load_stored(64 << 20);
    EXPECT_EQ(tables->running()->zone->info.serial, serial);
    EXPECT_EQ(contents(stored("geo.map")), map);
    EXPECT_FALSE(std::filesystem::exists(stored("pending")));
    EXPECT_FALSE(std::filesystem::exists(stored("geo.map.new")) && serial == 8);
  };
  const std::string_view names = "zone.image\ngeo.map\n";
  const auto* name_bytes = reinterpret_cast<const std::byte*>(names.data());
  for (int steps = 1; steps <= 6; ++steps) {
    SCOPED_TRACE(steps);
    std::filesystem::remove_all(directory_.path() / "state");
    ASSERT_TRUE(open()->load(both_tables(old_zone, old_map)));
    if (steps >= 1) overwrite(stored("zone.image.new"), damaged(new_zone)); // half written
    if (steps >= 2) overwrite(stored("zone.image.new"), new_zone);
    if (steps >= 2) overwrite(stored("geo.map.new"), new_map);
    if (steps >= 3) overwrite(stored("pending"), {name_bytes, name_bytes + names.size()});
    if (steps >= 4) std::filesystem::rename(stored("zone.image.new"), stored("zone.image"));
    if (steps >= 5) std::filesystem::rename(stored("geo.map.new"), stored("geo.map"));
    if (steps >= 6) std::filesystem::remove(stored("pending"));
    if (steps < 3) {
      expect(7, old_map);
    } else {
      expect(8, new_map);
    }
    ASSERT_TRUE(open()->load(geo_table(old_map)));
    expect(steps < 3 ? 7 : 8, old_map);
  }
}

TEST_F(TablesTest, NoneIsStoredWhereOneCannotBe) {
  const auto tables = open();
  ASSERT_TRUE(tables->load(both_tables(zone_image(7), geo_map("jp"))));
  std::filesystem::create_directory(stored("geo.map.new")); // where the new one would be written first
  const auto applied = tables->load(both_tables(zone_image(8), geo_map("de")));
  ASSERT_TRUE(applied);
  EXPECT_EQ(applied->not_stored, stored("geo.map.new").string() + ": Is a directory");
  EXPECT_EQ(contents(stored("zone.image")), zone_image(7));
  EXPECT_EQ(contents(stored("geo.map")), geo_map("jp"));
  EXPECT_FALSE(std::filesystem::exists(stored("zone.image.new")));
}

TEST_F(TablesTest, TableRunsThoughItCannotBeStored) {
  const auto tables = open();
  std::filesystem::remove_all(directory_.path() / "state");
  const auto applied = tables->load(zone_table(zone_image(7)));
  ASSERT_TRUE(applied);
  EXPECT_EQ(tables->running()->zone->info.serial, 7u);
  EXPECT_EQ(applied->not_stored, stored("zone.image.new").string() + ": No such file or directory");
  const SecretsApplied secrets = tables->load_secrets(random_secrets());
  EXPECT_EQ(tables->running(), secrets.generation);
  EXPECT_EQ(secrets.not_stored, stored("secrets.new").string() + ": No such file or directory");
}

TEST_F(TablesTest, LoadThatIsAbandonedIsNotPublished) {
  const auto tables = open();
  ASSERT_TRUE(tables->load(zone_table(zone_image(7))));
  const auto refused = tables->load(zone_table(zone_image(8)), {}, [] { return true; });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.refusal().text(), "load: abandoned before it was published");
  EXPECT_EQ(tables->running()->number, 1u);
  EXPECT_EQ(contents(stored("zone.image")), zone_image(7));
  EXPECT_TRUE(tables->load(zone_table(zone_image(8)), {}, [] { return false; }));
}

/// Publishes until a reader was seen online in between; with readers that check what they see all the time.
TEST_F(TablesTest, ReadersSeeWholeGenerationsWhileTablesAreSwapped) {
  constexpr unsigned readers = 2;
  constexpr uint32_t swaps = 200;
  const auto tables = open(readers);
  std::atomic<bool> stop{false};
  std::atomic<unsigned> mismatches{0};
  std::atomic<uint64_t> seen[readers] = {};
  std::vector<std::jthread> threads;
  for (unsigned id = 0; id < readers; ++id) {
    threads.emplace_back([&, id] {
      TableReader reader(*tables, id);
      while (!stop.load()) {
        const core::View& view = reader.view();
        if (view.image != nullptr) {
          // The image and its zone were compiled with one serial; a freed or half-published one would differ or fault.
          const uint64_t serial = view.image->header().serial;
          if (view.image->zones().front().serial != serial || view.join == nullptr) mismatches.fetch_add(1);
          seen[id].store(serial);
        }
        reader.quiescent();
        if (id == 1) {
          reader.offline();
          std::this_thread::yield();
          reader.online();
        }
      }
    });
  }
  std::vector<std::weak_ptr<const Generation>> old;
  for (uint32_t serial = 1; serial <= swaps; ++serial) {
    old.push_back(tables->running());
    const auto applied = tables->load(zone_table(zone_image(serial)));
    ASSERT_TRUE(applied) << applied.refusal().text();
    // load() returned, so every reader is past the old generation and it is freed.
    EXPECT_TRUE(old.back().expired());
  }
  EXPECT_TRUE(eventually([&] { return seen[0].load() == swaps && seen[1].load() == swaps; }));
  stop.store(true);
  threads.clear();
  EXPECT_EQ(mismatches.load(), 0u);
}

TEST_F(TablesTest, ReaderHoldsBackOnlyUntilItsQuiescentPoint) {
  const auto tables = open();
  ASSERT_TRUE(tables->load(zone_table(zone_image(1))));
  std::atomic<bool> returned{false};
  std::jthread publisher;
  {
    TableReader reader(*tables, 0);
    const core::View& view = reader.view();
    const core::ZoneImage* image = view.image;
    publisher = std::jthread([&] {
      EXPECT_TRUE(tables->load(zone_table(zone_image(2))));
      returned.store(true);
    });
    EXPECT_TRUE(eventually([&] { return reader.view().image != image; }));
    EXPECT_FALSE(returned.load());
    EXPECT_EQ(image->header().serial, 1u); // still there, as we are not past it
    reader.quiescent();
    EXPECT_TRUE(eventually([&] { return returned.load(); }));
  }
}

TEST_F(TablesTest, PublisherDoesNotWaitForAReaderThatIsOffline) {
  const auto tables = open();
  TableReader reader(*tables, 0);
  reader.offline();
  EXPECT_TRUE(tables->load(zone_table(zone_image(1))));
  reader.online();
  EXPECT_EQ(reader.view().image->header().serial, 1u);
}

TEST(TableMemory, IsAlignedForHugePagesAndReadOnlyOnceFrozen) {
  TableMemory memory = in_memory({std::byte{1}, std::byte{2}});
  EXPECT_EQ(reinterpret_cast<uintptr_t>(memory.bytes().data()) % (2u << 20), 0u);
  const auto bytes = memory.freeze();
  ASSERT_TRUE(bytes);
  EXPECT_EQ((*bytes)[1], std::byte{2});
  EXPECT_DEATH(memory.writable()[0] = std::byte{3}, "");
}

} // namespace
} // namespace anytick::io
