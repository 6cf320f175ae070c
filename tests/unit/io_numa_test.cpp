#include "dataplane/io/numa.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dataplane/io/ntp_threads.h"
#include "dataplane/io/rate_limits.h"
#include "dataplane/io/table_memory.h"
#include "dataplane/io/tables.h"
#include "tests/unit/io_fixture.h"

namespace anytick::io {
namespace {

constexpr std::array<unsigned, 3> cores{4, 5, 6};
constexpr int unheard_of = 63; ///< a node that no machine of ours has

/// Mappings of this process whose pages the kernel shall take from node 0.
size_t mappings_that_prefer_node_0() {
  std::ifstream maps("/proc/self/numa_maps");
  size_t count = 0;
  for (std::string line; std::getline(maps, line);) count += line.find(" prefer:0 ") != std::string::npos;
  return count;
}

/// A kernel with NUMA, and leave to use it.
bool has_policies() {
  int mode = 0;
  unsigned long nodes = 1;
  return syscall(SYS_get_mempolicy, &mode, nullptr, 0, nullptr, 0) == 0 &&
         syscall(SYS_mbind, nullptr, 0, MPOL_PREFERRED, &nodes, 65, 0) == 0;
}

ThreadNodes pretended(int of_4, int of_5, int of_6) {
  return ThreadNodes(cores, [=](unsigned core) { return core == 4 ? of_4 : core == 5 ? of_5 : of_6; });
}

TEST(Numa, EachWorkerIsWhereItsCoreIs) {
  const ThreadNodes nodes = pretended(0, 1, any_node);
  EXPECT_EQ(nodes.of(0), 0);
  EXPECT_EQ(nodes.of(1), 1);
  EXPECT_EQ(nodes.of(2), any_node);
  EXPECT_EQ(nodes.of(3), any_node) << "the thread of the sockets";
  EXPECT_EQ(ThreadNodes().of(0), any_node);
}

TEST(Numa, QueuesAreWhereTheirDeviceIs) {
  EXPECT_EQ(node_of_queue(1, 0), 1);
  EXPECT_EQ(node_of_queue(any_node, 1), 1);
  EXPECT_EQ(node_of_queue(any_node, any_node), any_node);
}

TEST(Numa, TheKernelIsToldOfLimits) {
  if (!has_policies()) GTEST_SKIP() << "no NUMA policies here";
  const size_t before = mappings_that_prefer_node_0();
  LimitConfig config;
  config.memory_bytes = 1 << 20;
  const auto limits = Limits::make(config, 3, false, pretended(0, any_node, 0));
  ASSERT_TRUE(limits);
  EXPECT_EQ(mappings_that_prefer_node_0(), before + 2);
}

TEST(Numa, TheKernelIsToldOfNtpClients) {
  if (!has_policies()) GTEST_SKIP() << "no NUMA policies here";
  const size_t before = mappings_that_prefer_node_0();
  NtpConfig config;
  config.interleaved = true;
  const auto threads = NtpThreads::make(config, 4, pretended(0, any_node, 0));
  ASSERT_TRUE(threads);
  EXPECT_EQ(mappings_that_prefer_node_0(), before + 2);
}

/// Workers on the nodes 0, 1 and 0, and the thread of the sockets.
class NumaTables : public testing::Test {
 protected:
  struct Seen {
    const core::ZoneImage* image;
    const geo::Map* map;
    const core::Join* join;
    const core::CookieKeys* keys;
  };

  Seen seen_by(unsigned reader_id) {
    TableReader reader(tables_, reader_id);
    const core::View& view = reader.view();
    return {view.image, view.map, view.join, view.cookie_keys};
  }

  ScratchDirectory directory_;
  Tables tables_{4, *TableStore::open(directory_.path()), {}, {}, PolicyCompiler(), pretended(0, 1, 0)};
};

TEST_F(NumaTables, EachNodeHasCopies) {
  const size_t before = mappings_that_prefer_node_0();
  ASSERT_TRUE(tables_.load(both_tables(zone_image(7), geo_map("jp"))));
  EXPECT_EQ(mappings_that_prefer_node_0(), has_policies() ? before + 2 : before) << "of image and map";
  const Seen first = seen_by(0), second = seen_by(1), third = seen_by(2), sockets = seen_by(3);
  EXPECT_EQ(first.image, third.image);
  EXPECT_EQ(first.join, third.join);
  EXPECT_EQ(sockets.image, tables_.running()->view.image);
  for (const Seen& one : {first, second}) {
    EXPECT_NE(one.image, sockets.image);
    EXPECT_NE(one.map, sockets.map);
    EXPECT_NE(one.join, sockets.join);
    EXPECT_TRUE(std::ranges::equal(one.image->bytes(), sockets.image->bytes()));
    EXPECT_TRUE(std::ranges::equal(one.map->bytes(), sockets.map->bytes()));
    EXPECT_NE(one.image->bytes().data(), sockets.image->bytes().data());
    EXPECT_EQ(one.keys, sockets.keys);
  }
  EXPECT_NE(first.image, second.image);
  EXPECT_NE(first.join, second.join);
}

TEST_F(NumaTables, ALoadCopiesWhatIsNew) {
  ASSERT_TRUE(tables_.load(both_tables(zone_image(7), geo_map("jp"))));
  const Seen before = seen_by(1);
  ASSERT_TRUE(tables_.load(zone_table(zone_image(8))));
  const Seen after = seen_by(1);
  EXPECT_EQ(after.image->header().serial, 8u);
  EXPECT_EQ(after.map, before.map);
  EXPECT_NE(after.keys, before.keys);
}

TEST_F(NumaTables, SecretsCopyNothing) {
  ASSERT_TRUE(tables_.load(both_tables(zone_image(7), geo_map("jp"))));
  const Seen before = seen_by(1);
  core::CookieKeys keys;
  keys.count = 1;
  tables_.load_secrets(keys);
  const Seen after = seen_by(1);
  EXPECT_EQ(after.image, before.image);
  EXPECT_EQ(after.join, before.join);
  EXPECT_EQ(after.keys, &tables_.running()->cookie_keys);
}

TEST_F(NumaTables, ARefusalLeavesCopiesAsTheyWere) {
  ASSERT_TRUE(tables_.load(both_tables(zone_image(7), geo_map("jp"))));
  const Seen before = seen_by(1);
  std::vector<std::byte> damaged = zone_image(8);
  damaged[damaged.size() / 2] ^= std::byte{0x40};
  EXPECT_FALSE(tables_.load(zone_table(damaged)));
  EXPECT_EQ(seen_by(1).image, before.image);
  EXPECT_EQ(seen_by(1).keys, before.keys);
}

TEST_F(NumaTables, OneTableAloneIsCopied) {
  ASSERT_TRUE(tables_.load(geo_table(geo_map("jp"))));
  EXPECT_NE(seen_by(1).map, nullptr);
  EXPECT_EQ(seen_by(1).image, nullptr);
  EXPECT_EQ(seen_by(1).join, nullptr);
}

TEST(Numa, TablesHaveNoCopiesWhereNodesDoNotMatter) {
  const ScratchDirectory directory;
  Tables tables(2, *TableStore::open(directory.path()));
  ASSERT_TRUE(tables.load(zone_table(zone_image(7))));
  EXPECT_TRUE(tables.running()->replicas.empty());
  TableReader reader(tables, 0);
  EXPECT_EQ(&reader.view(), &tables.running()->view);
}

TEST(Numa, APreferenceEndsWithItsScope) {
  if (!has_policies()) GTEST_SKIP() << "no NUMA policies here";
  const auto mode = [] {
    int now = -1;
    EXPECT_EQ(syscall(SYS_get_mempolicy, &now, nullptr, 0, nullptr, 0), 0);
    return now;
  };
  const int before = mode();
  {
    const NodePreference preference(0);
    EXPECT_EQ(mode(), MPOL_PREFERRED);
  }
  EXPECT_EQ(mode(), before);
}

TEST(Numa, ANodeThatIsNotThereIsAWish) {
  auto memory = TableMemory::reserve(5000, unheard_of);
  ASSERT_TRUE(memory);
  std::ranges::fill(memory->writable(), std::byte{7});
  EXPECT_EQ(memory->bytes().back(), std::byte{7});
}

TEST(Numa, OneNodeIsNoMatter) {
  std::ifstream second("/sys/devices/system/node/node1/cpulist");
  if (second) GTEST_SKIP() << "this machine has several";
  EXPECT_EQ(node_of_core(0), any_node);
}

} // namespace
} // namespace anytick::io
