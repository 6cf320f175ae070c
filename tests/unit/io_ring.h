#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rte_eth_ring.h>
#include <rte_ring.h>
#include <sched.h>

#include "dataplane/io/eal.h"

/// A real DPDK device whose wire is two rings in the test's hands.
namespace anytick::io {

/// EAL can be set up once in a process: all tests share it.
class EalEnvironment : public testing::Environment {
 public:
  /// The lcores of all workers share a core.
  explicit EalEnvironment(unsigned workers = 1) : workers_(workers) {}

  void SetUp() override {
    cpu_set_t cpus;
    ASSERT_EQ(sched_getaffinity(0, sizeof(cpus), &cpus), 0);
    std::vector<unsigned> mine;
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &cpus)) mine.push_back(cpu);
    }
    Config config;
    config.eal.huge_pages = HugePages::off;
    config.eal.memory_mb = 128;
    config.eal.control_cores = {mine.front()};
    config.workers.cores.assign(workers_, mine.back());
    config.ports.emplace_back().device = "net_ring0";
    Result<Eal> eal = Eal::init(config);
    ASSERT_TRUE(eal) << eal.refusal().text();
    eal_.emplace(std::move(*eal));
  }
  void TearDown() override { eal_.reset(); }

 private:
  unsigned workers_;
  std::optional<Eal> eal_;
};

/// A net_ring device whose other ends the test holds: `in` is what it receives, `out` what it sent.
struct RingDevice {
  explicit RingDevice(unsigned out_size) {
    static int count = 0;
    const std::string suffix = std::to_string(count++);
    in = rte_ring_create(("in" + suffix).c_str(), 1024, SOCKET_ID_ANY, 0);
    out = rte_ring_create(("out" + suffix).c_str(), out_size, SOCKET_ID_ANY, 0);
    name = "net_ring_test" + suffix;
    const int port = rte_eth_from_rings(("test" + suffix).c_str(), &in, 1, &out, 1, 0);
    EXPECT_GE(port, 0);
  }
  RingDevice(const RingDevice&) = delete;
  RingDevice& operator=(const RingDevice&) = delete;
  ~RingDevice() {
    rte_ring_free(in);
    rte_ring_free(out);
  }

  rte_ring* in;
  rte_ring* out;
  std::string name;
};

} // namespace anytick::io
