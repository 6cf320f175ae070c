#include "dataplane/io/flow_steering.h"

#include <cstring>
#include <numeric>

#include <fmt/format.h>
#include <rte_byteorder.h>
#include <rte_errno.h>

namespace anytick::io {
namespace {

void match_address(SteeringRule& rule, const geo::Address& service) {
  rte_flow_item& item = rule.pattern[1];
  if (service.family == geo::Family::ipv4) {
    std::memcpy(&rule.ipv4.hdr.dst_addr, service.bytes.data(), sizeof(rule.ipv4.hdr.dst_addr));
    rule.ipv4_mask.hdr.dst_addr = UINT32_MAX;
    item = {RTE_FLOW_ITEM_TYPE_IPV4, &rule.ipv4, nullptr, &rule.ipv4_mask};
  } else {
    std::memcpy(rule.ipv6.hdr.dst_addr, service.bytes.data(), sizeof(rule.ipv6.hdr.dst_addr));
    std::memset(rule.ipv6_mask.hdr.dst_addr, 0xff, sizeof(rule.ipv6_mask.hdr.dst_addr));
    item = {RTE_FLOW_ITEM_TYPE_IPV6, &rule.ipv6, nullptr, &rule.ipv6_mask};
  }
}

void send_to(SteeringRule& rule, uint16_t queues, uint64_t rss_types) {
  if (queues == 1) {
    rule.actions[0] = {RTE_FLOW_ACTION_TYPE_QUEUE, &rule.queue};
    return;
  }
  rule.queues.resize(queues);
  std::iota(rule.queues.begin(), rule.queues.end(), uint16_t{0});
  rule.rss.types = rss_types;
  rule.rss.queue_num = queues;
  rule.rss.queue = rule.queues.data();
  rule.actions[0] = {RTE_FLOW_ACTION_TYPE_RSS, &rule.rss};
}

Refusal refusal(const std::string& name, const std::string& step, const rte_flow_error& error) {
  return {name, "", fmt::format("{}: {}", step, error.message != nullptr ? error.message : rte_strerror(rte_errno))};
}

} // namespace

std::vector<std::unique_ptr<SteeringRule>> steering_rules(std::span<const geo::Address> services,
                                                          std::span<const uint16_t> ports, uint16_t queues,
                                                          uint64_t rss_types) {
  std::vector<std::unique_ptr<SteeringRule>> rules;
  for (const geo::Address& service : services) {
    for (const uint16_t port : ports) {
      SteeringRule& rule = *rules.emplace_back(std::make_unique<SteeringRule>());
      rule.attributes.ingress = 1;
      rule.udp.hdr.dst_port = rte_cpu_to_be_16(port);
      rule.udp_mask.hdr.dst_port = UINT16_MAX;
      rule.pattern[0].type = RTE_FLOW_ITEM_TYPE_ETH;
      match_address(rule, service);
      rule.pattern[2] = {RTE_FLOW_ITEM_TYPE_UDP, &rule.udp, nullptr, &rule.udp_mask};
      rule.pattern[3].type = RTE_FLOW_ITEM_TYPE_END;
      send_to(rule, queues, rss_types);
      rule.actions[1].type = RTE_FLOW_ACTION_TYPE_END;
    }
  }
  return rules;
}

std::optional<Refusal> isolate(uint16_t device, const std::string& name) {
  rte_flow_error error{};
  if (rte_flow_isolate(device, 1, &error) == 0) return std::nullopt;
  return refusal(name, "cannot be shared with the kernel (steering = \"isolate\")", error);
}

std::optional<Refusal> steer(uint16_t device, const std::string& name,
                             std::span<const std::unique_ptr<SteeringRule>> rules) {
  rte_flow_error error{};
  for (const auto& rule : rules) {
    if (rte_flow_validate(device, &rule->attributes, rule->pattern.data(), rule->actions.data(), &error) != 0) {
      return refusal(name, "cannot steer datagrams to us", error);
    }
  }
  for (const auto& rule : rules) {
    if (rte_flow_create(device, &rule->attributes, rule->pattern.data(), rule->actions.data(), &error) == nullptr) {
      return refusal(name, "does not steer datagrams to us", error);
    }
  }
  return std::nullopt;
}

} // namespace anytick::io
