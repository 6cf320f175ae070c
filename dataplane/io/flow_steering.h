#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <rte_flow.h>

#include "geo/prefix.h"
#include "geo/refusal.h"

/// A NIC that is shared with the kernel (a bifurcated driver such as mlx5): the device is isolated, so that it gives us
/// only what a rule asks for, and everything else stays with the kernel's own interface.
namespace anytick::io {

/// UDP datagrams to one port of one address, of any source, to our queues. Its parts point at each other.
struct SteeringRule {
  SteeringRule() = default;
  SteeringRule(const SteeringRule&) = delete;
  SteeringRule& operator=(const SteeringRule&) = delete;

  rte_flow_attr attributes{};
  rte_flow_item_ipv4 ipv4{};
  rte_flow_item_ipv4 ipv4_mask{};
  rte_flow_item_ipv6 ipv6{};
  rte_flow_item_ipv6 ipv6_mask{};
  rte_flow_item_udp udp{};
  rte_flow_item_udp udp_mask{};
  rte_flow_action_queue queue{};
  rte_flow_action_rss rss{};
  std::vector<uint16_t> queues;
  std::array<rte_flow_item, 4> pattern{};
  std::array<rte_flow_action, 2> actions{};
};

/// A rule for each service address and port. Several queues share the datagrams by a hash over `rss_types`
/// (RTE_ETH_RSS_*). Tagged frames stay with the kernel, which knows its VLANs.
std::vector<std::unique_ptr<SteeringRule>> steering_rules(std::span<const geo::Address> services,
                                                          std::span<const uint16_t> ports, uint16_t queues,
                                                          uint64_t rss_types);

/// To be called before the device is configured. `name` is of the refusal.
std::optional<Refusal> isolate(uint16_t device, const std::string& name);
/// To be called when the device is started. All rules are asked for before the first one is made.
std::optional<Refusal> steer(uint16_t device, const std::string& name,
                             std::span<const std::unique_ptr<SteeringRule>> rules);

} // namespace anytick::io
