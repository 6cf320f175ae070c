#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_launch.h>
#include <rte_mbuf.h>
#include <rte_ring.h>
#include <rte_udp.h>

#include "tests/unit/io_worker_fixture.h"

namespace anytick::io {
namespace {

using core::Counter;

constexpr uint16_t type_a = 1;
constexpr uint16_t type_aaaa = 28;
const auto* const environment = testing::AddGlobalTestEnvironment(new EalEnvironment);

Bytes query(std::string_view source, uint16_t id = 0x1234, uint16_t type = type_a) {
  return udp_frame(source, 40000, our_mac, dns_query(id, "ntp.pool.test.", type));
}

bool contains(const Bytes& frame, const Bytes& bytes) {
  return std::search(frame.begin(), frame.end(), bytes.begin(), bytes.end()) != frame.end();
}

TEST_F(WorkerTest, AnswersIpv4) {
  start();
  const Bytes request = query("198.51.100.1");
  inject(request);
  ASSERT_TRUE(handled(1));
  stop();
  const auto replies = receive();
  ASSERT_EQ(replies.size(), 1u);
  Bytes reply = replies[0];
  ASSERT_GE(reply.size(), 14u + 20 + 8 + 12);
  EXPECT_TRUE(std::equal(reply.begin(), reply.begin() + 6, request.begin() + 6)) << "MACs turned around";
  EXPECT_TRUE(std::equal(reply.begin() + 6, reply.begin() + 12, our_mac.begin()));
  auto* ip = reinterpret_cast<rte_ipv4_hdr*>(&reply[14]);
  EXPECT_EQ(rte_be_to_cpu_16(ip->total_length), reply.size() - 14);
  EXPECT_EQ(rte_raw_cksum(ip, sizeof(*ip)), 0xffff);
  auto* udp = reinterpret_cast<rte_udp_hdr*>(ip + 1);
  const uint16_t stated = udp->dgram_cksum;
  udp->dgram_cksum = 0;
  EXPECT_EQ(rte_ipv4_udptcp_cksum(ip, udp), stated);
  EXPECT_TRUE(std::equal(&reply[26], &reply[30], &request[30])) << "from the service address";
  EXPECT_TRUE(std::equal(&reply[30], &reply[34], &request[26])) << "to the client";
  EXPECT_EQ(Bytes(&reply[42], &reply[44]), (Bytes{0x12, 0x34}));
  EXPECT_TRUE(contains(reply, {192, 0, 2, 10}));
  EXPECT_EQ(counted(Counter::dns_answered), 1u);
  EXPECT_EQ(counted(Counter::rcode_noerror), 1u);
  EXPECT_EQ(counted(Counter::tx_refused), 0u);
}

TEST_F(WorkerTest, AnswersIpv6) {
  start();
  inject(query("2001:db8::1", 7, type_aaaa));
  ASSERT_TRUE(handled(1));
  stop();
  const auto replies = receive();
  ASSERT_EQ(replies.size(), 1u);
  Bytes reply = replies[0];
  auto* ip = reinterpret_cast<rte_ipv6_hdr*>(&reply[14]);
  EXPECT_EQ(rte_be_to_cpu_16(ip->payload_len), reply.size() - 14 - 40);
  auto* udp = reinterpret_cast<rte_udp_hdr*>(ip + 1);
  const uint16_t stated = udp->dgram_cksum;
  udp->dgram_cksum = 0;
  EXPECT_EQ(rte_ipv6_udptcp_cksum(ip, udp), stated);
  EXPECT_TRUE(contains(reply, {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x34}));
}

TEST_F(WorkerTest, AnswersByWhereTheClientIs) {
  start();
  inject(query("203.0.113.9"));
  ASSERT_TRUE(handled(1));
  stop();
  const auto replies = receive();
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_TRUE(contains(replies[0], {192, 0, 2, 77}));
}

TEST_F(WorkerTest, AnswersABurstInOrder) {
  start(Idle::pause, 64);
  for (uint16_t id = 0; id < 300; ++id) inject(query("198.51.100.1", id));
  ASSERT_TRUE(handled(300));
  stop();
  const auto replies = receive();
  ASSERT_EQ(replies.size(), 300u);
  for (uint16_t id = 0; id < 300; ++id) {
    ASSERT_EQ(replies[id][42] * 256 + replies[id][43], id);
  }
  EXPECT_EQ(counted(Counter::dns_answered), 300u);
}

TEST_F(WorkerTest, ReplyTellsTheDeviceNothingOfTheQuery) {
  start();
  rte_mbuf* mbuf = mbuf_of(query("198.51.100.1"));
  mbuf->ol_flags =
      RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD | RTE_MBUF_F_RX_RSS_HASH | RTE_MBUF_F_RX_VLAN;
  inject(mbuf);
  ASSERT_TRUE(handled(1));
  stop();
  const auto replies = receive([](const rte_mbuf& reply) {
    EXPECT_EQ(reply.ol_flags, RTE_MBUF_F_TX_IPV4); // net_ring computes no checksums
    EXPECT_EQ(reply.l2_len, 14);
    EXPECT_EQ(reply.l3_len, 20);
    EXPECT_EQ(reply.pkt_len, reply.data_len);
  });
  EXPECT_EQ(replies.size(), 1u);
}

struct DropCase {
  std::string name;
  std::function<void(Bytes& frame)> spoil;
  uint64_t flags; ///< of the received mbuf
  Counter counter;
};

void PrintTo(const DropCase& c, std::ostream* out) {
  *out << c.name;
}

class Drops : public WorkerTest, public testing::WithParamInterface<DropCase> {};

TEST_P(Drops, AreFreedAndCounted) {
  start();
  Bytes frame = query("198.51.100.1");
  GetParam().spoil(frame);
  rte_mbuf* mbuf = mbuf_of(frame);
  mbuf->ol_flags = GetParam().flags;
  inject(mbuf);
  inject(query("198.51.100.1"));
  ASSERT_TRUE(handled(2));
  stop();
  EXPECT_EQ(receive().size(), 1u);
  EXPECT_EQ(counted(GetParam().counter), 1u);
  EXPECT_EQ(counted(Counter::dns_answered), 1u);
}

INSTANTIATE_TEST_SUITE_P(
    , Drops,
    testing::Values(
        DropCase{"Runt", [](Bytes& frame) { frame.resize(10); }, 0, Counter::drop_runt},
        DropCase{"NotOurMac", [](Bytes& frame) { frame[5] ^= 1; }, 0, Counter::drop_not_our_mac},
        DropCase{"PuntWithoutAKernelPath", [](Bytes& frame) { frame[12] = 0x86; }, 0, Counter::drop_no_kernel_path},
        DropCase{"BadUdpChecksum", [](Bytes& frame) { frame.back() ^= 2; }, 0, Counter::drop_udp_checksum},
        DropCase{"UdpChecksumBadByDevice", [](Bytes&) {}, RTE_MBUF_F_RX_L4_CKSUM_BAD, Counter::drop_udp_checksum},
        DropCase{"IpChecksumBadByDevice", [](Bytes&) {}, RTE_MBUF_F_RX_IP_CKSUM_BAD, Counter::drop_ip_checksum},
        DropCase{"Response", [](Bytes& frame) { frame[44] |= 0x80; }, RTE_MBUF_F_RX_L4_CKSUM_GOOD,
                 Counter::drop_dns_response}),
    [](const auto& each) { return each.param.name; });

TEST_F(WorkerTest, DeviceThatFoundChecksumsGoodIsBelieved) {
  start();
  Bytes frame = query("198.51.100.1");
  frame[24] ^= 0xff; // IP checksum
  frame[40] ^= 0xff; // UDP checksum, as left by a sender that offloads it
  for (const uint64_t flags : {RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD,
                               RTE_MBUF_F_RX_IP_CKSUM_NONE | RTE_MBUF_F_RX_L4_CKSUM_NONE}) {
    rte_mbuf* mbuf = mbuf_of(frame);
    mbuf->ol_flags = flags;
    inject(mbuf);
  }
  ASSERT_TRUE(handled(2));
  stop();
  EXPECT_EQ(receive().size(), 2u);
}

TEST_F(WorkerTest, SegmentedFrameIsForTheKernelAndFreedWhole) {
  start();
  const Bytes frame = query("198.51.100.1");
  rte_mbuf* head = mbuf_of(Bytes(frame.begin(), frame.begin() + 50));
  rte_mbuf* tail = mbuf_of(Bytes(frame.begin() + 50, frame.end()));
  ASSERT_EQ(rte_pktmbuf_chain(head, tail), 0);
  inject(head);
  ASSERT_TRUE(handled(1));
  stop();
  EXPECT_TRUE(receive().empty());
  EXPECT_EQ(counted(Counter::drop_no_kernel_path), 1u);
}

// What is punted reaches the lane's other end, and what is given there comes out of the port.
TEST_F(WorkerTest, CarriesFramesToTheKernelAndBack) {
  Doorbell bell;
  auto lane = KernelLane::create(99, 1522, 0, bell);
  ASSERT_TRUE(lane) << lane.refusal().text();
  lane_ = lane->get();
  start(Idle::sleep);
  Bytes arp = query("198.51.100.1");
  arp[12] = 0x08;
  arp[13] = 0x06;
  inject(arp);
  inject(query("198.51.100.1"));
  ASSERT_TRUE(handled(2));
  std::array<rte_mbuf*, 4> punts{};
  ASSERT_TRUE(eventually([&] { return (*lane)->has_punts(); }));
  ASSERT_EQ((*lane)->take_punts(punts), 1u);
  const auto* data = rte_pktmbuf_mtod(punts[0], const uint8_t*);
  EXPECT_EQ(Bytes(data, data + punts[0]->data_len), arp);
  rte_pktmbuf_free(punts[0]);
  rte_mbuf* sent = rte_pktmbuf_alloc((*lane)->kernel_pool());
  ASSERT_NE(sent, nullptr);
  std::memcpy(rte_pktmbuf_append(sent, 60), arp.data(), 60);
  (*lane)->give(std::span(&sent, 1));
  EXPECT_TRUE(eventually([&] { return counted(Counter::kernel_tx) == 1; })) << "also while the worker has nothing else";
  stop();
  EXPECT_EQ(counted(Counter::punted), 1u);
  EXPECT_EQ(counted(Counter::dns_answered), 1u);
  std::vector<const rte_mempool*> pools;
  const auto frames = receive([&](const rte_mbuf& each) { pools.push_back(each.pool); });
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(pools[1], port_->pool(0)) << "a queue sends mbufs of its own pool";
  EXPECT_EQ(frames[1], Bytes(arp.begin(), arp.begin() + 60));
}

class NarrowWorkerTest : public WorkerTest {
 protected:
  NarrowWorkerTest() : WorkerTest(8) {} // a ring of 8 takes 7
};

TEST_F(NarrowWorkerTest, WhatTransmitRefusesIsFreedAndCounted) {
  for (uint16_t id = 0; id < 20; ++id) inject(query("198.51.100.1", id));
  start();
  ASSERT_TRUE(handled(20));
  stop();
  EXPECT_EQ(counted(Counter::dns_answered), 20u);
  EXPECT_EQ(counted(Counter::tx_refused), 13u);
  EXPECT_EQ(receive().size(), 7u);
}

// Beside replies: each counter says of its own.
TEST_F(NarrowWorkerTest, WhatTransmitRefusesOfTheKernelIsNoReply) {
  Doorbell bell;
  auto lane = KernelLane::create(98, 1522, 0, bell);
  ASSERT_TRUE(lane) << lane.refusal().text();
  lane_ = lane->get();
  std::array<rte_mbuf*, 10> sent{};
  ASSERT_EQ(rte_pktmbuf_alloc_bulk((*lane)->kernel_pool(), sent.data(), sent.size()), 0);
  for (rte_mbuf* each : sent) ASSERT_NE(rte_pktmbuf_append(each, 60), nullptr);
  (*lane)->give(sent);
  start();
  EXPECT_TRUE(eventually([&] { return counted(Counter::kernel_tx) + counted(Counter::kernel_tx_refused) == 10; }));
  EXPECT_EQ(counted(Counter::kernel_tx), 7u);
  EXPECT_EQ(counted(Counter::kernel_tx_refused), 3u);
  EXPECT_EQ(counted(Counter::tx_refused), 0u);
  inject(query("198.51.100.1"));
  ASSERT_TRUE(handled(1));
  stop();
  EXPECT_EQ(counted(Counter::tx_refused), 1u);
  EXPECT_EQ(counted(Counter::kernel_tx_refused), 3u);
  EXPECT_EQ(receive().size(), 7u);
}

class IdleStrategies : public WorkerTest, public testing::WithParamInterface<Idle> {};

TEST_P(IdleStrategies, AnswerAfterSilenceAndNeverHoldAPublisher) {
  start(GetParam());
  ASSERT_TRUE(eventually([&] { return worker_->polls(); }));
  for (uint32_t serial = 2; serial < 12; ++serial) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5)); // the worker is as idle as it gets
    const auto applied = tables_.load(zone_table(zone_image(serial, "192.0.2." + std::to_string(serial + 100))));
    ASSERT_TRUE(applied) << applied.refusal().text();
    inject(query("198.51.100.1"));
    ASSERT_TRUE(handled(serial - 1));
    ASSERT_TRUE(eventually([&] { return rte_ring_count(device_.out) > 0; }));
    const auto replies = receive();
    ASSERT_EQ(replies.size(), 1u);
    EXPECT_TRUE(contains(replies[0], {192, 0, 2, static_cast<uint8_t>(serial + 100)}));
  }
  stop();
}

INSTANTIATE_TEST_SUITE_P(, IdleStrategies, testing::Values(Idle::spin, Idle::pause, Idle::sleep), [](const auto& each) {
  return each.param == Idle::spin ? "Spin" : each.param == Idle::pause ? "Pause" : "Sleep";
});

TEST_F(WorkerTest, WithoutTablesTheAnswerIsServfail) {
  const ScratchDirectory empty;
  Tables none(1, *TableStore::open(empty.path()));
  Result<std::unique_ptr<Port>> port = Port::open(config_, workers_);
  ASSERT_TRUE(port);
  ASSERT_FALSE((*port)->start());
  Worker worker(0, 1, workers_, {{(*port)->id(), 0, &(*port)->ingress(), {}}}, none, 42);
  inject(query("198.51.100.1"));
  std::jthread thread([&] { worker.run(); });
  EXPECT_TRUE(eventually([&] { return worker.counters().get(Counter::rcode_servfail) == 1; }));
  worker.stop();
  thread.join();
  EXPECT_EQ(receive().size(), 1u);
}

} // namespace
} // namespace anytick::io
