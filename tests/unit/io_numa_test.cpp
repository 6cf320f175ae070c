#include "dataplane/io/numa.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dataplane/io/ntp_threads.h"
#include "dataplane/io/rate_limits.h"
#include "dataplane/io/table_memory.h"

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
