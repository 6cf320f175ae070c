#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>
#include <rte_cycles.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_ring.h>

#include "dataplane/io/doorbell.h"
#include "dataplane/io/kernel_lane.h"
#include "dataplane/io/kernel_twin.h"
#include "dataplane/io/token_bucket.h"
#include "tests/packets/wire.h"
#include "tests/unit/io_fixture.h"
#include "tests/unit/io_ring.h"

namespace anytick::io {
namespace {

using Bytes = std::vector<uint8_t>;
using core::Counter;

const auto* const environment = testing::AddGlobalTestEnvironment(new EalEnvironment);

TEST(TokenBucket, LetsABurstPassAndThenTheRate) {
  TokenBucket bucket(10, 5, 1000); // one in 100 ticks
  uint64_t now = 1'000'000;
  EXPECT_EQ(bucket.take(3, now), 3u);
  EXPECT_EQ(bucket.take(3, now), 2u);
  EXPECT_EQ(bucket.take(1, now), 0u);
  EXPECT_EQ(bucket.take(1, now += 99), 0u);
  EXPECT_EQ(bucket.take(2, now += 1), 1u);
  EXPECT_EQ(bucket.take(9, now += 250), 2u);
  EXPECT_EQ(bucket.take(9, now += 50), 1u) << "the half that was left over counts";
  EXPECT_EQ(bucket.take(9, now += 1'000'000'000), 5u) << "a long pause gives no more than a burst";
}

TEST(TokenBucket, KeepsItsRateOverTime) {
  TokenBucket bucket(20'000, 256, 2'600'000'000);
  uint64_t passed = 0;
  for (uint64_t now = 0; now < 26'000'000'000; now += 26'000) passed += bucket.take(64, now); // 10 s, 100,000 bursts/s
  EXPECT_GE(passed, 200'000u);
  EXPECT_LE(passed, 200'000u + 256);
}

/// A frame between two stations: ethertype (and tags before it) in hexadecimal, then what it carries.
Bytes ethernet(std::string_view type, const Bytes& payload) {
  Bytes frame(12, 2);
  test::append(frame, test::from_hex(type));
  test::append(frame, payload);
  return frame;
}
Bytes ipv4(uint8_t protocol, std::string_view payload, std::string_view fragment = "0000") {
  Bytes packet = test::from_hex("4500 0000 0000" + std::string(fragment) + "40");
  packet.push_back(protocol);
  packet.resize(20);
  test::append(packet, test::from_hex(payload));
  return packet;
}
Bytes ipv6(uint8_t next_header, std::string_view payload) {
  Bytes packet = test::from_hex("60000000 0000");
  packet.push_back(next_header);
  packet.resize(40);
  test::append(packet, test::from_hex(payload));
  return packet;
}

bool is_readable(int fd) {
  pollfd poll{fd, POLLIN, 0};
  return ::poll(&poll, 1, 0) == 1;
}

TEST(Doorbell, IsSilentUnlessSomebodySleeps) {
  Doorbell bell;
  bell.ring();
  EXPECT_FALSE(is_readable(bell.fd()));
  bell.doze();
  bell.rise();
  bell.ring();
  EXPECT_FALSE(is_readable(bell.fd()));
  bell.doze();
  bell.ring();
  EXPECT_TRUE(is_readable(bell.fd()));
}

struct TwinCase {
  std::string name;
  TwinConfig config;
  std::string device, arguments;
};

void PrintTo(const TwinCase& c, std::ostream* out) {
  *out << c.name;
}

class TwinDevices : public testing::TestWithParam<TwinCase> {};

TEST_P(TwinDevices, HaveThePortsMacAndTheInterfacesName) {
  PortConfig port;
  port.kernel = GetParam().config;
  const TwinDevice device = twin_device(port, {0x02, 0, 0x5e, 0x10, 0, 0xfe});
  EXPECT_EQ(device.name, GetParam().device);
  EXPECT_EQ(device.arguments, GetParam().arguments);
}

INSTANTIATE_TEST_SUITE_P(
    , TwinDevices,
    testing::Values(
        TwinCase{"Tap", {.interface = "at0", .addresses = {}}, "net_tap_at0", "iface=at0,mac=02:00:5E:10:00:FE"},
        TwinCase{"VirtioUser",
                 {.interface = "wan", .driver = TwinDriver::virtio_user, .addresses = {}},
                 "net_virtio_user_wan",
                 "path=/dev/vhost-net,queues=1,queue_size=256,iface=wan,mac=02:00:5E:10:00:FE"}),
    [](const auto& each) { return each.param.name; });

/// A lane whose both ends the test holds: the gate is the worker's, take_punts() and give() are the thread's.
class KernelLaneTest : public testing::Test {
 protected:
  static constexpr unsigned frame_bytes = 1522;
  static constexpr unsigned pool_size = 2047;

  void SetUp() override {
    static uint16_t number = 0;
    port_ = number++;
    auto lane = KernelLane::create(port_, frame_bytes, 16, bell_);
    ASSERT_TRUE(lane) << lane.refusal().text();
    lane_ = std::move(*lane);
    pool_ = rte_pktmbuf_pool_create(("worker" + std::to_string(port_)).c_str(), pool_size, 0, 0, 2176, SOCKET_ID_ANY);
    ASSERT_NE(pool_, nullptr);
  }
  void TearDown() override {
    lane_.reset();
    EXPECT_EQ(rte_mempool_avail_count(pool_), pool_size) << "mbufs were lost";
    rte_mempool_free(pool_);
  }

  KernelGate gate(uint64_t frames_per_second) { return KernelGate({lane_.get(), frames_per_second, pool_}); }

  static rte_mbuf* mbuf_of(const Bytes& bytes, rte_mempool* pool) {
    rte_mbuf* mbuf = rte_pktmbuf_alloc(pool);
    EXPECT_NE(mbuf, nullptr);
    std::memcpy(rte_pktmbuf_append(mbuf, static_cast<uint16_t>(bytes.size())), bytes.data(), bytes.size());
    return mbuf;
  }
  static Bytes bytes_of(const rte_mbuf* mbuf) {
    Bytes bytes(mbuf->pkt_len);
    const void* data = rte_pktmbuf_read(mbuf, 0, mbuf->pkt_len, bytes.data());
    return {static_cast<const uint8_t*>(data), static_cast<const uint8_t*>(data) + bytes.size()};
  }
  /// Punts the frame so many times, burst by burst.
  void punt(KernelGate& gate, const Bytes& bytes, unsigned times) {
    rte_mbuf* frame = mbuf_of(bytes, pool_);
    std::array<rte_mbuf*, core::burst_max> burst;
    burst.fill(frame);
    for (unsigned left = times; left > 0;) {
      const unsigned count = std::min<unsigned>(left, burst.size());
      gate.punt(std::span(burst.data(), count), counters_);
      left -= count;
    }
    rte_pktmbuf_free(frame);
  }
  /// What the thread finds, at most a burst.
  std::vector<Bytes> taken() {
    std::array<rte_mbuf*, core::burst_max> frames;
    std::vector<Bytes> all;
    const unsigned count = lane_->take_punts(frames);
    for (unsigned i = 0; i < count; ++i) all.push_back(bytes_of(frames[i]));
    rte_pktmbuf_free_bulk(frames.data(), count);
    return all;
  }

  uint16_t port_ = 0;
  Doorbell bell_;
  std::unique_ptr<KernelLane> lane_;
  rte_mempool* pool_ = nullptr;
  core::Counters counters_;
};

TEST_F(KernelLaneTest, FramesArriveWholeAndInOrder) {
  KernelGate gate = this->gate(1000);
  punt(gate, {1, 2, 3}, 1);
  punt(gate, Bytes(frame_bytes, 7), 1);
  EXPECT_TRUE(lane_->has_punts());
  EXPECT_EQ(taken(), (std::vector<Bytes>{{1, 2, 3}, Bytes(frame_bytes, 7)}));
  EXPECT_FALSE(lane_->has_punts());
  EXPECT_EQ(counters_.get(Counter::punted), 2u);
}

TEST_F(KernelLaneTest, SegmentsArriveToo) {
  KernelGate gate = this->gate(1000);
  rte_mbuf* head = mbuf_of(Bytes(1000, 1), pool_);
  ASSERT_EQ(rte_pktmbuf_chain(head, mbuf_of(Bytes(2000, 2), pool_)), 0);
  gate.punt(std::span(&head, 1), counters_);
  rte_pktmbuf_free(head);
  const auto frames = taken();
  ASSERT_EQ(frames.size(), 1u);
  Bytes expected(1000, 1);
  expected.resize(3000, 2);
  EXPECT_EQ(frames[0], expected);
}

TEST_F(KernelLaneTest, CopiesSayNothingOfTheOriginalsChecksums) {
  KernelGate gate = this->gate(1000);
  rte_mbuf* frame = mbuf_of({1}, pool_);
  frame->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_GOOD | RTE_MBUF_F_RX_VLAN;
  gate.punt(std::span(&frame, 1), counters_);
  rte_pktmbuf_free(frame);
  std::array<rte_mbuf*, 1> got{};
  ASSERT_EQ(lane_->take_punts(got), 1u);
  EXPECT_EQ(got[0]->ol_flags, 0u);
  rte_pktmbuf_free(got[0]);
}

TEST_F(KernelLaneTest, TheRateLimitDropsTheRest) {
  KernelGate gate = this->gate(10); // so slow that the test does not see the next one pass
  punt(gate, {1}, 1000);
  EXPECT_EQ(counters_.get(Counter::punted) + counters_.get(Counter::drop_kernel_limit), 1000u);
  EXPECT_GE(counters_.get(Counter::punted), 10u);
  EXPECT_LT(counters_.get(Counter::punted), 500u);
  EXPECT_EQ(counters_.get(Counter::drop_kernel_full), 0u);
  uint64_t arrived = 0;
  for (auto frames = taken(); !frames.empty(); frames = taken()) arrived += frames.size();
  EXPECT_EQ(arrived, counters_.get(Counter::punted));
}

TEST_F(KernelLaneTest, AFloodOfOneClassLeavesTheOthersTheirs) {
  KernelGate gate = this->gate(40);
  punt(gate, ethernet("0800", ipv4(6, "c000 0035 00000000")), 1000); // TCP to port 53
  const uint64_t flooded = counters_.get(Counter::punted);
  EXPECT_LT(flooded, 500u);
  punt(gate, ethernet("0806", {}), 10);
  punt(gate, ethernet("0800", ipv4(6, "c000 00b3 00000000")), 1); // shares with ARP, which used it up
  punt(gate, ethernet("0800", ipv4(1, "0800 0000")), 10);
  EXPECT_GE(counters_.get(Counter::punted), flooded + 20);
}

struct ClassCase {
  const char* name;
  Bytes frame;
  PuntClass expected;
};

class PuntClasses : public testing::TestWithParam<ClassCase> {};

TEST_P(PuntClasses, ByTheFirstBytes) {
  EXPECT_EQ(punt_class(GetParam().frame), GetParam().expected);
  // Of a frame that is cut anywhere, nothing behind its end is read.
  for (size_t size = 0; size < GetParam().frame.size(); ++size) {
    const auto cut = std::make_unique<uint8_t[]>(size);
    std::copy_n(GetParam().frame.begin(), size, cut.get());
    punt_class({cut.get(), size});
  }
}

INSTANTIATE_TEST_SUITE_P(
    , PuntClasses,
    testing::Values(ClassCase{"Arp", ethernet("0806", {}), PuntClass::network},
                    ClassCase{"TaggedArp", ethernet("8100 0064 0806", {}), PuntClass::network},
                    ClassCase{"TwiceTaggedPing", ethernet("88a8 0001 8100 0064 0800", ipv4(1, "08")), PuntClass::icmp},
                    ClassCase{"Lldp", ethernet("88cc", {}), PuntClass::other},
                    ClassCase{"ToBgp", ethernet("0800", ipv4(6, "c000 00b3")), PuntClass::network},
                    ClassCase{"FromBgp", ethernet("0800", ipv4(6, "00b3 c000")), PuntClass::network},
                    ClassCase{"DnsOverTcp", ethernet("0800", ipv4(6, "c000 0035")), PuntClass::other},
                    ClassCase{"Bfd", ethernet("0800", ipv4(17, "c000 0ec8")), PuntClass::network},
                    ClassCase{"Udp", ethernet("0800", ipv4(17, "c000 9999")), PuntClass::other},
                    ClassCase{"LaterFragment", ethernet("0800", ipv4(1, "08", "00b9")), PuntClass::other},
                    ClassCase{"Solicitation", ethernet("86dd", ipv6(58, "87")), PuntClass::network},
                    ClassCase{"RouterAdvertisement", ethernet("86dd", ipv6(58, "86")), PuntClass::network},
                    ClassCase{"ListenerReport", ethernet("86dd", ipv6(0, "3a00 0502 0000 0000 8f")),
                              PuntClass::network},
                    ClassCase{"Ping6", ethernet("86dd", ipv6(58, "80")), PuntClass::icmp},
                    ClassCase{"Bgp6", ethernet("86dd", ipv6(6, "00b3 c000")), PuntClass::network},
                    ClassCase{"Runt", {1, 2, 3}, PuntClass::other}),
    [](const auto& each) { return each.param.name; });

TEST_F(KernelLaneTest, AThreadThatDoesNotComeCostsFramesAndNothingElse) {
  std::vector<KernelGate> gates; // each has a burst of its own
  for (int i = 0; i < 8; ++i) gates.push_back(gate(256));
  for (KernelGate& each : gates) punt(each, {1}, 256);
  EXPECT_EQ(counters_.get(Counter::punted), KernelLane::ring_frames - 1);
  EXPECT_EQ(counters_.get(Counter::drop_kernel_full), 8 * 256u - (KernelLane::ring_frames - 1));
  EXPECT_EQ(counters_.get(Counter::drop_kernel_limit), 0u);
}

// Each of many workers has its burst, and together they are more than there is room for.
TEST_F(KernelLaneTest, AFloodOfOneClassAtAllWorkersLeavesTheOthersTheirRoom) {
  const Bytes flood = ethernet("0800", ipv4(6, "c000 0035")), arp = ethernet("0806", {}),
              bgp = ethernet("0800", ipv4(6, "c000 00b3")), ping = ethernet("0800", ipv4(1, "08"));
  constexpr unsigned workers = 8;
  std::vector<KernelGate> gates;
  for (unsigned i = 0; i < workers; ++i) gates.push_back(gate(20'000 / workers));
  for (KernelGate& each : gates) punt(each, flood, 256);
  ASSERT_GT(counters_.get(Counter::drop_kernel_full), 0u) << "no flood";
  const uint64_t punted = counters_.get(Counter::punted), full = counters_.get(Counter::drop_kernel_full);
  for (KernelGate& each : gates)
    for (const Bytes* frame : {&arp, &bgp, &ping}) punt(each, *frame, 10);
  EXPECT_EQ(counters_.get(Counter::drop_kernel_full), full);
  EXPECT_EQ(counters_.get(Counter::punted), punted + workers * 3 * 10);
  for (unsigned i = 0; i < workers * 20; i += core::burst_max) {
    const auto frames = taken();
    ASSERT_EQ(frames.size(), core::burst_max);
    for (size_t j = 0; j < frames.size() && i + j < workers * 20; ++j)
      EXPECT_TRUE(frames[j] == arp || frames[j] == bgp) << "what is worth most comes first";
  }
}

// One burst with all of them: each goes its way, and is counted once.
TEST_F(KernelLaneTest, ABurstOfAllClassesArrivesWhole) {
  KernelGate gate = this->gate(1000);
  const std::array<Bytes, 3> kinds{ethernet("88cc", {}), ethernet("0806", {}), ethernet("0800", ipv4(1, "08"))};
  std::array<rte_mbuf*, core::burst_max> burst;
  for (size_t i = 0; i < burst.size(); ++i) burst[i] = mbuf_of(kinds[i % kinds.size()], pool_);
  gate.punt(burst, counters_);
  rte_pktmbuf_free_bulk(burst.data(), burst.size());
  EXPECT_EQ(counters_.get(Counter::punted), burst.size());
  auto frames = taken();
  std::vector<Bytes> due;
  for (const size_t kind : {1u, 2u, 0u})
    for (size_t i = kind; i < burst.size(); i += kinds.size()) due.push_back(kinds[kind]);
  EXPECT_EQ(frames, due);
  EXPECT_FALSE(lane_->has_punts());
}

// A worker that waited for it would hang here.
TEST_F(KernelLaneTest, AThreadThatIsStoppedWhileItGivesBackMbufsHoldsNoWorker) {
  rte_mempool* pool = rte_mempool_lookup(("kernel" + std::to_string(port_) + ".other").c_str());
  ASSERT_NE(pool, nullptr);
  auto* given_back = static_cast<rte_ring*>(pool->pool_data);
  given_back->prod.head = given_back->prod.head + 1; // between taking a place and saying that it is filled
  for (int i = 0; i < 8; ++i) {
    KernelGate each = this->gate(256);
    punt(each, {1}, 256);
  }
  given_back->prod.head = given_back->prod.head - 1;
  EXPECT_GT(counters_.get(Counter::drop_kernel_full), 0u);
}

TEST_F(KernelLaneTest, WithoutALanePuntsAreDroppedByName) {
  KernelGate gate{KernelShare{}};
  punt(gate, {1}, 100);
  EXPECT_EQ(counters_.get(Counter::drop_no_kernel_path), 100u);
  EXPECT_EQ(counters_.get(Counter::punted), 0u);
  std::array<rte_mbuf*, 4> frames;
  EXPECT_EQ(gate.fetch(frames, counters_), 0u);
}

TEST_F(KernelLaneTest, TheKernelsFramesAreCopiedIntoTheWorkersPool) {
  KernelGate gate = this->gate(1);
  std::array<rte_mbuf*, 2> sent{mbuf_of({1, 2}, lane_->kernel_pool()), mbuf_of({3}, lane_->kernel_pool())};
  const unsigned free = rte_mempool_avail_count(lane_->kernel_pool());
  lane_->give(sent);
  std::array<rte_mbuf*, 8> got{};
  ASSERT_EQ(gate.fetch(got, counters_), 2u);
  EXPECT_EQ(got[0]->pool, pool_);
  EXPECT_EQ(bytes_of(got[0]), (Bytes{1, 2}));
  EXPECT_EQ(bytes_of(got[1]), (Bytes{3}));
  EXPECT_EQ(rte_mempool_avail_count(lane_->kernel_pool()), free + 2) << "the originals went home";
  rte_pktmbuf_free_bulk(got.data(), 2);
}

TEST_F(KernelLaneTest, OnlyTheWorkerWithAPoolSendsForTheKernel) {
  KernelGate gate({lane_.get(), 1, nullptr});
  std::array<rte_mbuf*, 1> sent{mbuf_of({1}, lane_->kernel_pool())};
  lane_->give(sent);
  std::array<rte_mbuf*, 8> got{};
  EXPECT_EQ(gate.fetch(got, counters_), 0u);
}

TEST_F(KernelLaneTest, AWorkerWithoutMbufsLosesTheKernelsFramesAndCountsThem) {
  std::vector<rte_mbuf*> all(pool_size);
  ASSERT_EQ(rte_pktmbuf_alloc_bulk(pool_, all.data(), pool_size), 0);
  KernelGate gate = this->gate(1);
  std::array<rte_mbuf*, 1> sent{mbuf_of({1}, lane_->kernel_pool())};
  lane_->give(sent);
  std::array<rte_mbuf*, 8> got{};
  EXPECT_EQ(gate.fetch(got, counters_), 0u);
  EXPECT_EQ(counters_.get(Counter::kernel_tx_refused), 1u);
  EXPECT_EQ(counters_.get(Counter::tx_refused), 0u) << "is of replies";
  rte_pktmbuf_free_bulk(all.data(), pool_size);
}

TEST_F(KernelLaneTest, RoomEndsWhereTheRingDoes) {
  EXPECT_EQ(lane_->room(), KernelLane::ring_frames - 1);
  std::array<rte_mbuf*, 1> sent{mbuf_of({1}, lane_->kernel_pool())};
  lane_->give(sent);
  EXPECT_EQ(lane_->room(), KernelLane::ring_frames - 2);
}

} // namespace
} // namespace anytick::io
