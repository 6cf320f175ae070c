#pragma once

#include <array>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "dataplane/io/eal.h"
#include "dataplane/io/port.h"
#include "dataplane/io/worker.h"
#include "tests/unit/io_fixture.h"
#include "tests/unit/io_ring.h"

namespace anytick::io {

using Bytes = std::vector<uint8_t>;

inline constexpr std::array<uint8_t, 6> our_mac{0x02, 0, 0, 0, 0, 0x53};

/// A worker on its lcore between the rings of a device. Needs EalEnvironment.
class WorkerTest : public testing::Test {
 protected:
  static constexpr unsigned pool_size = 1023;

  explicit WorkerTest(unsigned out_size = 1024) : device_(out_size) {
    static int count = 0;
    pool_ = rte_pktmbuf_pool_create(("test" + std::to_string(count++)).c_str(), pool_size, 0, 0, 2176, SOCKET_ID_ANY);
    EXPECT_NE(pool_, nullptr);
    config_.device = device_.name;
    config_.mac = our_mac;
    config_.addresses = {*geo::parse_address(service_ipv4), *geo::parse_address(service_ipv6)};
    EXPECT_TRUE(tables_.load(both_tables(zone_image(1), geo_map("jp"))));
  }

  void TearDown() override {
    stop();
    port_.reset();
    receive();
    EXPECT_EQ(rte_mempool_avail_count(pool_), pool_size) << "mbufs were lost";
    rte_mempool_free(pool_);
  }

  /// With a port that is open, but nobody looks at it yet.
  void open(Idle idle = Idle::pause, uint16_t burst = 32) {
    workers_.idle = idle;
    workers_.burst = burst;
    workers_.cores = {1};
    Result<std::unique_ptr<Port>> port = Port::open(config_, workers_);
    ASSERT_TRUE(port) << port.refusal().text();
    port_ = std::move(*port);
    ASSERT_FALSE(port_->start());
    const KernelShare share = lane_ != nullptr ? KernelShare{lane_, 1000, port_->pool(0)} : KernelShare{};
    const PortQueue queue{.port = port_->id(),
                          .ingress = &port_->ingress(),
                          .kernel = share,
                          .stamps = stamps_,
                          .since = port_->opened(),
                          .frames = queue_frames_};
    worker_ = std::make_unique<Worker>(0, 1, workers_, std::vector<PortQueue>{queue}, tables_, 42, resources_);
  }

  void run() {
    ASSERT_EQ(rte_eal_remote_launch(
                  [](void* worker) {
                    static_cast<Worker*>(worker)->run();
                    return 0;
                  },
                  worker_.get(), worker_lcore(0)),
              0);
  }

  void start(Idle idle = Idle::pause, uint16_t burst = 32) {
    open(idle, burst);
    run();
  }

  void stop() {
    if (worker_ != nullptr) worker_->stop();
    rte_eal_wait_lcore(worker_lcore(0));
  }

  rte_mbuf* mbuf_of(const Bytes& frame) {
    rte_mbuf* mbuf = rte_pktmbuf_alloc(pool_);
    EXPECT_NE(mbuf, nullptr);
    std::memcpy(rte_pktmbuf_append(mbuf, static_cast<uint16_t>(frame.size())), frame.data(), frame.size());
    return mbuf;
  }

  void inject(rte_mbuf* mbuf) { ASSERT_EQ(rte_ring_enqueue(device_.in, mbuf), 0); }
  void inject(const Bytes& frame) { inject(mbuf_of(frame)); }

  /// All frames that were sent so far; their mbufs are freed.
  std::vector<Bytes> receive(const std::function<void(const rte_mbuf&)>& look = [](const rte_mbuf&) {}) {
    std::vector<Bytes> frames;
    void* object = nullptr;
    while (rte_ring_dequeue(device_.out, &object) == 0) {
      auto* mbuf = static_cast<rte_mbuf*>(object);
      look(*mbuf);
      const auto* data = rte_pktmbuf_mtod(mbuf, const uint8_t*);
      frames.emplace_back(data, data + mbuf->data_len);
      rte_pktmbuf_free(mbuf);
    }
    return frames;
  }

  uint64_t counted(core::Counter which) const { return worker_->counters().get(which); }
  bool handled(uint64_t frames) {
    return eventually([&] { return counted(core::Counter::rx_frames) == frames && rte_ring_empty(device_.in) != 0; });
  }

  ScratchDirectory directory_;
  RingDevice device_;
  PortConfig config_;
  WorkersConfig workers_;
  Tables tables_{1, *TableStore::open(directory_.path())};
  KernelLane* lane_ = nullptr; ///< none: punts are dropped
  std::unique_ptr<Port> port_;
  std::unique_ptr<Worker> worker_;
  ThreadResources resources_;
  RxStamps stamps_;
  uint32_t queue_frames_ = 1024; ///< that the worker takes its queue to hold
  rte_mempool* pool_;
};

} // namespace anytick::io
