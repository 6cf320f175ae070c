#include "bench/load/datagram.h"

#include <gtest/gtest.h>

#include "tests/packets/wire.h"

namespace anytick::bench {
namespace {

using test::Bytes;
using test::Packet;

Packet packet_of(bool ipv6) {
  if (!ipv6) return {};
  return {.from = "2001:db8::1", .to = "2001:db8:53::53"};
}

class Families : public testing::TestWithParam<bool> {};

TEST_P(Families, AreRead) {
  Packet packet = packet_of(GetParam());
  packet.padding = Bytes(7);
  const Bytes frame = packet.bytes();
  const auto datagram = read_datagram(frame);
  ASSERT_TRUE(datagram);
  EXPECT_EQ(geo::to_text(address_of(datagram->from())), packet.from);
  EXPECT_EQ(geo::to_text(address_of(datagram->to())), packet.to);
  EXPECT_EQ(datagram->from_port(), packet.from_port);
  EXPECT_EQ(datagram->to_port(), packet.to_port);
  EXPECT_TRUE(is_address(datagram->from(), *geo::parse_address(packet.from)));
  EXPECT_FALSE(is_address(datagram->from(), *geo::parse_address(packet.to)));
  EXPECT_FALSE(is_address(datagram->from(), *geo::parse_address(GetParam() ? "192.0.2.1" : "c000:201::")));
  EXPECT_EQ(Bytes(datagram->payload.begin(), datagram->payload.end()), packet.payload);
  EXPECT_STREQ(fault_of_sums(*datagram), nullptr);
}

TEST_P(Families, OddPayloadsHaveSums) {
  Packet packet = packet_of(GetParam());
  packet.payload = {1, 2, 3};
  const Bytes frame = packet.bytes();
  EXPECT_STREQ(fault_of_sums(*read_datagram(frame)), nullptr);
}

TEST_P(Families, AreReadWholeOrNotAtAll) {
  const Bytes frame = packet_of(GetParam()).bytes();
  for (size_t length = 0; length < frame.size(); ++length) {
    const Bytes part(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_FALSE(read_datagram(part)) << length;
  }
}

TEST_P(Families, EachWrongBitOfTheSummedIsSeen) {
  const Bytes right = packet_of(GetParam()).bytes();
  const size_t summed_at = ethernet_bytes + (GetParam() ? 8 : 12);
  for (size_t at = summed_at; at < right.size(); ++at) {
    Bytes frame = right;
    frame[at] ^= 4;
    const auto datagram = read_datagram(frame);
    if (!datagram) continue; // a length
    EXPECT_STRNE(fault_of_sums(*datagram), nullptr) << at;
  }
}

INSTANTIATE_TEST_SUITE_P(Load, Families, testing::Values(false, true),
                         [](const auto& row) { return row.param ? "ipv6" : "ipv4"; });

struct DatagramCase {
  const char* name;
  Packet packet;
};
class NoDatagrams : public testing::TestWithParam<DatagramCase> {};

TEST_P(NoDatagrams, AreRead) {
  EXPECT_FALSE(read_datagram(GetParam().packet.bytes()));
}

INSTANTIATE_TEST_SUITE_P(Load, NoDatagrams,
                         testing::Values(DatagramCase{"arp", {.ethertype = 0x0806}},
                                         DatagramCase{"tagged", {.tags = {0x81000005}}},
                                         DatagramCase{"tcp", {.protocol = 6}},
                                         DatagramCase{"options", {.ip_options = Bytes(4, 1)}},
                                         DatagramCase{"first_fragment", {.fragment = 0x2000}},
                                         DatagramCase{"later_fragment", {.fragment = 0x0010}},
                                         DatagramCase{"udp_too_long", {.udp_length_change = 1}},
                                         DatagramCase{"udp_too_short", {.udp_length_change = -1}}),
                         [](const auto& row) { return row.param.name; });

struct SumCase {
  const char* name;
  const char* fault;
  Packet packet;
};
class Sums : public testing::TestWithParam<SumCase> {};

TEST_P(Sums, AreJudged) {
  const Bytes frame = GetParam().packet.bytes();
  EXPECT_STREQ(fault_of_sums(*read_datagram(frame)), GetParam().fault);
}

INSTANTIATE_TEST_SUITE_P(
    Load, Sums,
    testing::Values(SumCase{"ip", "a wrong checksum of IPv4", {.bad_ip_checksum = true}},
                    SumCase{"udp", "a wrong checksum of UDP", {.bad_udp_checksum = true}},
                    SumCase{"none", nullptr, {.no_udp_checksum = true}},
                    SumCase{"udp_over_ipv6",
                            "a wrong checksum of UDP",
                            {.from = "2001:db8::1", .to = "2001:db8:53::53", .bad_udp_checksum = true}},
                    SumCase{"none_over_ipv6",
                            "no checksum of UDP",
                            {.from = "2001:db8::1", .to = "2001:db8:53::53", .no_udp_checksum = true}}),
    [](const auto& row) { return row.param.name; });

} // namespace
} // namespace anytick::bench
