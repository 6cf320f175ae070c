#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <rte_ethdev.h>

#include "dataplane/io/port.h"
#include "tests/unit/io_fixture.h"
#include "tests/unit/io_ring.h"

namespace anytick::io {
namespace {

const auto* const environment = testing::AddGlobalTestEnvironment(new EalEnvironment);

WorkersConfig workers_of(size_t count) {
  WorkersConfig workers;
  workers.cores.resize(count);
  return workers;
}

PortConfig config_of(const RingDevice& device) {
  PortConfig config;
  config.device = device.name;
  config.addresses = {*geo::parse_address(service_ipv4)};
  return config;
}

TEST(Port, IngressHasAddressesAsOnTheWire) {
  const RingDevice device(64);
  PortConfig config;
  config.device = device.name;
  config.mac = {0x02, 0, 0, 0, 0, 0x53};
  config.next_hop = {0x02, 0, 0, 0, 0, 0x01};
  config.addresses = {*geo::parse_address("192.0.2.53"), *geo::parse_address("2001:db8::53")};
  const auto port = Port::open(config, workers_of(1));
  ASSERT_TRUE(port) << port.refusal().text();
  const core::Ingress& ingress = (*port)->ingress();
  EXPECT_EQ(ingress.mac, *config.mac);
  EXPECT_EQ(ingress.next_hop, config.next_hop);
  ASSERT_EQ(ingress.ipv4.size(), 1u);
  EXPECT_EQ(std::memcmp(ingress.ipv4.data(), "\xc0\x00\x02\x35", 4), 0);
  ASSERT_EQ(ingress.ipv6.size(), 1u);
  EXPECT_EQ(ingress.ipv6[0], config.addresses[1].bytes);
  EXPECT_FALSE(ingress.tx_ip_checksum); // net_ring has no checksum offloads
  EXPECT_FALSE(ingress.tx_udp_checksum);
}

TEST(Port, ChecksumsAreVerifiedByDevicesButNotByVirtio) {
  rte_eth_dev_info info{};
  info.rx_offload_capa = RTE_ETH_RX_OFFLOAD_UDP_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM;
  for (const char* name : {"net_virtio", "net_virtio_user"}) {
    info.driver_name = name;
    EXPECT_EQ(rx_checksum_offloads(info), 0u) << name;
  }
  info.driver_name = "net_e1000_em";
  EXPECT_EQ(rx_checksum_offloads(info), RTE_ETH_RX_OFFLOAD_UDP_CKSUM);
}

struct SpreadCase {
  std::string name;
  uint64_t known; ///< RSS types of the device
  uint64_t chosen;
  bool keeps_sources;
};

void PrintTo(const SpreadCase& c, std::ostream* out) {
  *out << c.name;
}

class PortSpread : public testing::TestWithParam<SpreadCase> {};

TEST_P(PortSpread, IsByAddressesAloneWhereTheDeviceCan) {
  rte_eth_dev_info info{};
  info.flow_type_rss_offloads = GetParam().known;
  const Spread spread = spread_of(info, 2);
  EXPECT_EQ(spread.rss_types, GetParam().chosen);
  EXPECT_EQ(spread.keeps_sources, GetParam().keeps_sources);
  EXPECT_EQ(spread_of(info, 1).rss_types, 0u);
  EXPECT_TRUE(spread_of(info, 1).keeps_sources);
}

constexpr uint64_t datagrams = RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_NONFRAG_IPV6_UDP;
constexpr uint64_t apart =
    RTE_ETH_RSS_FRAG_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_OTHER | RTE_ETH_RSS_FRAG_IPV6 | RTE_ETH_RSS_NONFRAG_IPV6_OTHER;

INSTANTIATE_TEST_SUITE_P(
    , PortSpread,
    testing::Values(SpreadCase{"None", 0, 0, false},
                    SpreadCase{"Ixgbe", RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_IPV6 | datagrams | RTE_ETH_RSS_TCP,
                               RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_IPV6, true},
                    SpreadCase{"Everything", RTE_ETH_RSS_PROTO_MASK, RTE_ETH_RSS_IP, true},
                    SpreadCase{"I40e", apart | datagrams | RTE_ETH_RSS_L2_PAYLOAD, apart | datagrams, false},
                    SpreadCase{"Ena", datagrams | RTE_ETH_RSS_NONFRAG_IPV4_TCP, datagrams, false},
                    SpreadCase{"OnlyIpv4", RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_UDP, RTE_ETH_RSS_IPV4, false}),
    [](const auto& each) { return each.param.name; });

TEST(Port, HasMbufsForEveryRingOfItsDriver) {
  rte_eth_dev_info info{};
  info.driver_name = "net_e1000_em";
  const uint32_t own = mbufs_for(info, 1024, 512);
  EXPECT_GE(own, 1024u + 512u + core::burst_max);
  info.driver_name = "net_vmxnet3";
  EXPECT_EQ(mbufs_for(info, 1024, 512), own + 1024);
  info.driver_name = "net_af_xdp";
  info.default_rxportconf.ring_size = info.default_txportconf.ring_size = 2048;
  EXPECT_EQ(mbufs_for(info, 1024, 512), own + (2 * 2048 - 1024) + (2048 - 512));
}

TEST(Port, HasAQueuePairForEachWorker) {
  PortConfig config;
  config.device = "net_null7";
  config.addresses = {*geo::parse_address("192.0.2.53")};
  {
    const auto port = Port::open(config, workers_of(3));
    ASSERT_TRUE(port) << port.refusal().text();
    rte_eth_dev_info info{};
    ASSERT_EQ(rte_eth_dev_info_get((*port)->id(), &info), 0);
    EXPECT_EQ(info.nb_rx_queues, 3);
    EXPECT_EQ(info.nb_tx_queues, 3);
    EXPECT_FALSE((*port)->start());
  }
  uint16_t id = 0;
  EXPECT_NE(rte_eth_dev_get_port_by_name("net_null7", &id), 0) << "closed with the Port";
}

TEST(Port, StampsNothingWhereTheDeviceDoesNot) {
  const RingDevice device(64);
  const auto port = Port::open(config_of(device), workers_of(1));
  ASSERT_TRUE(port) << port.refusal().text();
  (*port)->watch_clock();
  EXPECT_EQ((*port)->rx_stamps().flag, 0u);
  EXPECT_EQ((*port)->rx_stamps().line, nullptr);
  RxStampReader reader((*port)->rx_stamps());
  reader.refresh();
  rte_mbuf mbuf{};
  mbuf.ol_flags = UINT64_MAX;
  EXPECT_FALSE(reader.received(mbuf, 1000));
}

TEST(RxStamps, AreReadFromTheMbufByTheLatestLine) {
  RxStamps stamps;
  ASSERT_EQ(rte_mbuf_dyn_rx_timestamp_register(&stamps.field_offset, &stamps.flag), 0);
  NicLineCell cell;
  stamps.line = &cell;
  RxStampReader reader(stamps);
  rte_mbuf mbuf{};
  mbuf.ol_flags = stamps.flag;
  *RTE_MBUF_DYNFIELD(&mbuf, stamps.field_offset, rte_mbuf_timestamp_t*) = 5'100;
  reader.refresh();
  EXPECT_FALSE(reader.received(mbuf, 1'000'300)) << "no line yet";
  const NicLine line{.device = 5'000, .tsc = 1'000'000, .ticks = 2, .good_until = 2'000'000, .reach = 1'000};
  cell.store(line);
  EXPECT_FALSE(reader.received(mbuf, 1'000'300)) << "not looked at yet";
  reader.refresh();
  EXPECT_EQ(reader.received(mbuf, 1'000'300), 1'000'200u);
  EXPECT_FALSE(reader.received(mbuf, 1'000'100)) << "before it was received";
  mbuf.ol_flags = ~stamps.flag;
  EXPECT_FALSE(reader.received(mbuf, 1'000'300)) << "a field that is not set";
}

struct PortCase {
  std::string name;
  std::string device;
  size_t workers;
  std::string reason;
};

void PrintTo(const PortCase& c, std::ostream* out) {
  *out << c.name;
}

class PortRefusals : public testing::TestWithParam<PortCase> {};

TEST_P(PortRefusals, NameTheDeviceAndTheReason) {
  PortConfig config;
  config.device = GetParam().device;
  const auto port = Port::open(config, workers_of(GetParam().workers));
  ASSERT_FALSE(port);
  EXPECT_EQ(port.refusal().text(), GetParam().reason);
}

INSTANTIATE_TEST_SUITE_P(, PortRefusals,
                         testing::Values(PortCase{"NoSuchInterface", "net_af_packet7,iface=none7", 1,
                                                  "net_af_packet7: cannot be attached; DPDK's log says why"},
                                         PortCase{"NoSuchDriver", "net_nothing7", 1,
                                                  "net_nothing7: cannot be attached; DPDK's log says why"},
                                         PortCase{"NoSuchPciDevice", "0000:7f:1f.7", 1,
                                                  "0000:7f:1f.7: no such device is bound to a DPDK driver"}),
                         [](const auto& each) { return each.param.name; });

TEST(PortQueues, TooFewForTheWorkers) {
  const RingDevice device(64);
  const auto port = Port::open(config_of(device), workers_of(2));
  ASSERT_FALSE(port);
  EXPECT_EQ(port.refusal().text(), device.name + ": has 1 queue pairs, which is too few for 2 workers");
}

} // namespace
} // namespace anytick::io
