#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rte_ethdev.h>

#include "dataplane/io/flow_steering.h"
#include "dataplane/io/port.h"
#include "tests/unit/io_fixture.h"
#include "tests/unit/io_ring.h"

namespace anytick::io {
namespace {

constexpr std::array<uint16_t, 2> ports{53, 123};

const auto* const environment = testing::AddGlobalTestEnvironment(new EalEnvironment);

/// "eth / ipv4 dst 192.0.2.53 / udp dst 53 -> queue 0", as testpmd would say it.
std::string text_of(const rte_flow_item& item) {
  const auto all_ones = [](const auto& field) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(&field);
    return std::all_of(bytes, bytes + sizeof(field), [](uint8_t byte) { return byte == 0xff; });
  };
  switch (item.type) {
  case RTE_FLOW_ITEM_TYPE_ETH:
    return item.spec == nullptr ? "eth" : "eth with a spec";
  case RTE_FLOW_ITEM_TYPE_IPV4: {
    const auto& spec = *static_cast<const rte_flow_item_ipv4*>(item.spec);
    auto mask = *static_cast<const rte_flow_item_ipv4*>(item.mask);
    EXPECT_TRUE(all_ones(mask.hdr.dst_addr));
    mask.hdr.dst_addr = 0;
    EXPECT_EQ(std::memcmp(&mask, std::make_unique<rte_flow_item_ipv4>().get(), sizeof(mask)), 0) << "nothing else";
    return "ipv4 dst " + geo::to_text(geo::Address::ipv4(rte_be_to_cpu_32(spec.hdr.dst_addr)));
  }
  case RTE_FLOW_ITEM_TYPE_IPV6: {
    const auto& spec = *static_cast<const rte_flow_item_ipv6*>(item.spec);
    auto mask = *static_cast<const rte_flow_item_ipv6*>(item.mask);
    EXPECT_TRUE(all_ones(mask.hdr.dst_addr));
    std::memset(mask.hdr.dst_addr, 0, sizeof(mask.hdr.dst_addr));
    EXPECT_EQ(std::memcmp(&mask, std::make_unique<rte_flow_item_ipv6>().get(), sizeof(mask)), 0) << "nothing else";
    geo::Address address{.family = geo::Family::ipv6};
    std::memcpy(address.bytes.data(), spec.hdr.dst_addr, 16);
    return "ipv6 dst " + geo::to_text(address);
  }
  case RTE_FLOW_ITEM_TYPE_UDP: {
    const auto& spec = *static_cast<const rte_flow_item_udp*>(item.spec);
    const auto& mask = *static_cast<const rte_flow_item_udp*>(item.mask);
    EXPECT_TRUE(all_ones(mask.hdr.dst_port));
    EXPECT_EQ(mask.hdr.src_port, 0) << "of any source";
    return "udp dst " + std::to_string(rte_be_to_cpu_16(spec.hdr.dst_port));
  }
  default:
    return "item " + std::to_string(item.type);
  }
}

std::string text_of(const rte_flow_action& action) {
  if (action.type == RTE_FLOW_ACTION_TYPE_QUEUE) {
    return "queue " + std::to_string(static_cast<const rte_flow_action_queue*>(action.conf)->index);
  }
  if (action.type != RTE_FLOW_ACTION_TYPE_RSS) return "action " + std::to_string(action.type);
  const auto& rss = *static_cast<const rte_flow_action_rss*>(action.conf);
  EXPECT_EQ(rss.func, RTE_ETH_HASH_FUNCTION_DEFAULT);
  EXPECT_EQ(rss.types, RTE_ETH_RSS_IP);
  std::string text = "rss";
  for (uint32_t i = 0; i < rss.queue_num; ++i) text += ' ' + std::to_string(rss.queue[i]);
  return text;
}

std::string text_of(const SteeringRule& rule) {
  EXPECT_EQ(rule.attributes.ingress, 1u);
  EXPECT_EQ(rule.attributes.egress + rule.attributes.transfer + rule.attributes.group + rule.attributes.priority, 0u);
  EXPECT_EQ(rule.pattern.back().type, RTE_FLOW_ITEM_TYPE_END);
  EXPECT_EQ(rule.actions.back().type, RTE_FLOW_ACTION_TYPE_END);
  return text_of(rule.pattern[0]) + " / " + text_of(rule.pattern[1]) + " / " + text_of(rule.pattern[2]) + " -> " +
         text_of(rule.actions[0]);
}

std::vector<std::string> texts(std::vector<std::string> services, std::span<const uint16_t> to, uint16_t queues) {
  std::vector<geo::Address> addresses;
  for (const std::string& service : services) addresses.push_back(*geo::parse_address(service));
  std::vector<std::string> texts;
  for (const auto& rule : steering_rules(addresses, to, queues, RTE_ETH_RSS_IP)) texts.push_back(text_of(*rule));
  return texts;
}

TEST(SteeringRules, EachAddressAndPort) {
  EXPECT_EQ(texts({"192.0.2.53", "2001:db8::53"}, ports, 1),
            (std::vector<std::string>{"eth / ipv4 dst 192.0.2.53 / udp dst 53 -> queue 0",
                                      "eth / ipv4 dst 192.0.2.53 / udp dst 123 -> queue 0",
                                      "eth / ipv6 dst 2001:db8::53 / udp dst 53 -> queue 0",
                                      "eth / ipv6 dst 2001:db8::53 / udp dst 123 -> queue 0"}));
}

TEST(SteeringRules, SeveralQueuesShareByAddressHash) {
  EXPECT_EQ(texts({"192.0.2.53"}, std::span(ports).first(1), 3),
            std::vector<std::string>{"eth / ipv4 dst 192.0.2.53 / udp dst 53 -> rss 0 1 2"});
}

TEST(SteeringRules, NothingIsSteeredForNobody) {
  EXPECT_TRUE(texts({}, ports, 1).empty());
}

TEST(Steering, DeviceThatCannotIsRefusedWithAReason) {
  const RingDevice device(64);
  PortConfig config;
  config.device = device.name;
  config.addresses = {*geo::parse_address(service_ipv4)};
  config.steering = Steering::isolate;
  const auto port = Port::open(config, {});
  ASSERT_FALSE(port);
  EXPECT_EQ(port.refusal().text(),
            device.name + ": cannot be shared with the kernel (steering = \"isolate\"): Function not implemented");
}

} // namespace
} // namespace anytick::io
