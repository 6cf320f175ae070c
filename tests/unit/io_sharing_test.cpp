// No cache line is written by two workers: each works alone for a while, with all that a worker has, and what it wrote
// is read off the memory. So nothing here depends on time or on how fast cores are.

#include <array>
#include <atomic>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rte_launch.h>
#include <rte_mbuf.h>

#include "dataplane/io/ntp_threads.h"
#include "dataplane/io/port.h"
#include "dataplane/io/rate_limits.h"
#include "dataplane/io/worker.h"
#include "tests/packets/ntp_wire.h"
#include "tests/packets/wire.h"
#include "tests/packets/world.h"
#include "tests/unit/io_fixture.h"
#include "tests/unit/io_ring.h"
#include "tests/unit/memory_writes.h"

namespace anytick::io {
namespace {

using test::Bytes;
using test::CacheLine;
using test::MemoryWrites;

constexpr unsigned worker_count = 3;
const auto* const environment = testing::AddGlobalTestEnvironment(new EalEnvironment(worker_count));

/// A function on a worker's lcore, to its end.
template <class Function> void run_alone(unsigned worker, Function& function) {
  rte_eal_remote_launch(
      [](void* argument) {
        (*static_cast<Function*>(argument))();
        return 0;
      },
      &function, worker_lcore(worker));
  rte_eal_wait_lcore(worker_lcore(worker));
}

void run_nothing(unsigned worker) {
  auto nothing = [] {};
  run_alone(worker, nothing);
}

/// A port of its own for each worker: what a driver keeps of its queues is the driver's.
struct PortOfOne {
  explicit PortOfOne(unsigned number) : device(1024) {
    PortConfig config;
    config.device = device.name;
    config.mac = {0x02, 0, 0, 0, 0, 0x53};
    config.addresses = {*geo::parse_address(service_ipv4)};
    WorkersConfig workers;
    workers.cores = {number};
    Result<std::unique_ptr<Port>> opened = Port::open(config, workers);
    EXPECT_TRUE(opened) << opened.refusal().text();
    port = std::move(*opened);
    EXPECT_FALSE(port->start());
  }

  void inject(const Bytes& frame) {
    rte_mbuf* mbuf = rte_pktmbuf_alloc(port->pool(0));
    ASSERT_NE(mbuf, nullptr);
    std::memcpy(rte_pktmbuf_append(mbuf, static_cast<uint16_t>(frame.size())), frame.data(), frame.size());
    ASSERT_EQ(rte_ring_enqueue(device.in, mbuf), 0);
  }

  RingDevice device;
  std::unique_ptr<Port> port;
};

Bytes frame_of(unsigned client, unsigned to_port, Bytes payload) {
  return test::Packet{.payload = std::move(payload),
                      .from = "198.51." + std::to_string(client / 256) + "." + std::to_string(client % 256),
                      .to = std::string(service_ipv4),
                      .to_port = to_port,
                      .to_mac = "020000000053"}
      .bytes();
}

/// Answers, misses that policy looks at, NTP with and without a MAC, and frames that are dropped.
std::vector<Bytes> load() {
  std::vector<Bytes> frames;
  for (unsigned client = 1; client < 100; ++client) {
    frames.push_back(frame_of(client, 53, test::Message{.name = "ntp.pool.test"}.bytes()));
    frames.push_back(frame_of(client, 53, test::Message{.name = "no.pool.test", .edns = true}.bytes()));
    frames.push_back(frame_of(client, 123, test::NtpMessage{.transmit = client}.bytes()));
    frames.push_back(frame_of(client, 123, test::with_mac(1 + client % 4, test::NtpMessage{}.bytes())));
    frames.push_back(frame_of(client, 53, {0, 1, 2}));
  }
  return frames;
}

constexpr std::string_view policy = R"(
[[rule]]
name = "no"
pattern = '^no\.'
on = "all"
action = "limit 1000000/s"
)";

/// Workers with all that main gives them, made in its order.
class SharingTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!MemoryWrites::is_possible()) GTEST_SKIP() << "a sanitizer's allocator is not the daemon's";
  }

  void make_workers() {
    ASSERT_TRUE(tables_.load(both_tables(zone_image(1), geo_map("jp"))));
    ASSERT_TRUE(tables_.load(policy_table(policy)));
    clock_.store(test::clock_of_cases(read_wall_clock().wall));
    LimitConfig limits;
    limits.rules.ntp_kod = 1;
    limits_ = std::move(*Limits::make(limits, worker_count, false));
    NtpConfig ntp;
    ntp.keys.assign(test::ntp_keys_of_cases().begin(), test::ntp_keys_of_cases().end());
    ntp_ = std::move(*NtpThreads::make(ntp, worker_count + 1));
    WorkersConfig config;
    for (unsigned i = 0; i < worker_count; ++i) ports_.push_back(std::make_unique<PortOfOne>(i));
    for (unsigned i = 0; i < worker_count; ++i) {
      std::vector<PortQueue> queues{{ports_[i]->port->id(), 0, &ports_[i]->port->ingress(), {}, {}}};
      const ThreadResources resources{&clock_, &limits_->of(i), ntp_.keys(i), ntp_.interleave(i)};
      workers_.push_back(std::make_unique<Worker>(i, i + 1, config, std::move(queues), tables_, 42 + i, resources));
    }
    for (const auto& port : ports_)
      for (const Bytes& frame : load()) port->inject(frame);
  }

  /// Until it has handled all frames.
  void work_alone(unsigned index) {
    Worker& worker = *workers_[index];
    rte_eal_remote_launch(
        [](void* argument) {
          static_cast<Worker*>(argument)->run();
          return 0;
        },
        &worker, worker_lcore(index));
    EXPECT_TRUE(eventually([&] { return worker.counters().get(core::Counter::rx_frames) == frames_; }));
    worker.stop();
    rte_eal_wait_lcore(worker_lcore(index));
  }

  const size_t frames_ = load().size();
  ScratchDirectory directory_;
  Tables tables_{worker_count + 1, *TableStore::open(directory_.path()), {}, {}, policy_compiler()};
  core::ClockCell clock_;
  std::unique_ptr<Limits> limits_;
  NtpThreads ntp_;
  std::vector<std::unique_ptr<PortOfOne>> ports_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

TEST_F(SharingTest, NoLineIsWrittenByTwoWorkers) {
  ASSERT_NO_FATAL_FAILURE(make_workers());
  MemoryWrites memory(worker_count + 2);
  memory.look();
  for (unsigned i = 0; i < worker_count; ++i) run_nothing(i);
  for (unsigned i = 0; i < worker_count; ++i) {
    memory.look();
    work_alone(i);
  }
  memory.look();
  const std::set<CacheLine> by_launching = memory.written_after(0);
  std::map<CacheLine, unsigned> writers;
  for (unsigned i = 0; i < worker_count; ++i) {
    const std::set<CacheLine> written = memory.written_after(1 + i);
    EXPECT_GT(written.size(), frames_) << "of worker " << i;
    for (const CacheLine line : written) ++writers[line];
  }
  for (const auto& [line, count] : writers)
    EXPECT_TRUE(count == 1 || by_launching.contains(line)) << count << " workers: " << MemoryWrites::place_of(line);
  // All that there is was in use.
  for (const auto& worker : workers_) {
    EXPECT_GT(worker->counters().get(core::Counter::dns_answered), 0u);
    EXPECT_GT(worker->counters().get(core::Counter::ntp_answered), 0u);
    EXPECT_GT(worker->counters().get(core::Counter::ntp_authenticated), 0u);
    EXPECT_GT(worker->counters().get(core::Counter::drop_dns_short), 0u);
  }
}

TEST_F(SharingTest, ALineThatTwoWriteIsFound) {
  struct alignas(test::cache_line_bytes) Shared {
    std::array<std::atomic<uint64_t>, 2> cells{};
  };
  const auto shared = std::make_unique<Shared>();
  MemoryWrites memory(3);
  memory.look();
  for (unsigned i = 0; i < 2; ++i) {
    auto write = [&, i] { shared->cells[i].store(1); };
    run_alone(i, write);
    memory.look();
  }
  const auto line = reinterpret_cast<CacheLine>(shared.get());
  for (unsigned i = 0; i < 2; ++i) EXPECT_TRUE(memory.written_after(i).contains(line));
}

} // namespace
} // namespace anytick::io
